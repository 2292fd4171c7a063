// Dense, ReLU, layer normalisation, convolution, attention and softmax with cross-entropy by hand, and a harness for
// them. Node alone, no packages:
//     pytest --impl-cmd "node harness.mjs"

import { createInterface } from "node:readline";

// Tensors: { dtype, shape, data }, data in a typed array, the last axis fastest.

const ARRAYS = { float64: Float64Array, float32: Float32Array, int64: BigInt64Array };

// Every operation on float32 values is made in float64 and rounded at once, which comes to the same as float32's own.
const ROUND = { float64: (x) => x, float32: Math.fround };

function tensor(dtype, shape) {
  return { dtype, shape, data: new ARRAYS[dtype](shape.reduce((a, b) => a * b, 1)) };
}

function rounded(dtype, shape, values) {
  return { dtype, shape, data: ARRAYS[dtype].from(values) };
}

function expectShape(name, { shape }, expected) {
  if (shape.length !== expected.length || shape.some((size, axis) => size !== expected[axis])) {
    throw new Error(`${name} has shape (${shape}), where (${expected}) is expected`);
  }
}

function expectRank(name, { shape }, rank) {
  if (shape.length !== rank) throw new Error(`${name} has ${shape.length} axes, where ${rank} are expected`);
}

// Dense: outputs = inputs weights + biases, of shapes (N, I), (I, O), (1, O).

function denseSizes(inputs, weights, biases) {
  expectRank("inputs", inputs, 2);
  expectRank("weights", weights, 2);
  const [N, I] = inputs.shape;
  const O = weights.shape[1];
  expectShape("weights", weights, [I, O]);
  expectShape("biases", biases, [1, O]);
  return [N, I, O];
}

function denseForward(inputs, weights, biases) {
  const [N, I, O] = denseSizes(inputs, weights, biases);
  const round = ROUND[inputs.dtype];
  const outputs = tensor(inputs.dtype, [N, O]);
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let i = 0; i < I; i++) sum = round(sum + round(inputs.data[n * I + i] * weights.data[i * O + o]));
      outputs.data[n * O + o] = round(sum + biases.data[o]);
    }
  }
  return [outputs];
}

function denseBackward(dOutputs, inputs, weights, biases) {
  const [N, I, O] = denseSizes(inputs, weights, biases);
  expectShape("dL_doutputs", dOutputs, [N, O]);
  const round = ROUND[inputs.dtype];
  const dInputs = tensor(inputs.dtype, [N, I]);
  const dWeights = tensor(inputs.dtype, [I, O]);
  const dBiases = tensor(inputs.dtype, [1, O]);
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < O; o++) {
      const upstream = dOutputs.data[n * O + o];
      dBiases.data[o] += upstream;
      for (let i = 0; i < I; i++) {
        dInputs.data[n * I + i] += round(upstream * weights.data[i * O + o]);
        dWeights.data[i * O + o] += round(inputs.data[n * I + i] * upstream);
      }
    }
  }
  return [dInputs, dWeights, dBiases];
}

// ReLU: max(0, x); its slope at 0 is taken as 0.

function reluForward(inputs) {
  const outputs = tensor(inputs.dtype, inputs.shape);
  inputs.data.forEach((x, k) => (outputs.data[k] = Math.max(x, 0)));
  return [outputs];
}

function reluBackward(dOutputs, inputs) {
  expectShape("dL_doutputs", dOutputs, inputs.shape);
  const dInputs = tensor(inputs.dtype, inputs.shape);
  inputs.data.forEach((x, k) => (dInputs.data[k] = x > 0 ? dOutputs.data[k] : 0));
  return [dInputs];
}

// Layer normalisation of each row (..., D), with weight and bias (D,). Sums are made in float64, and rounded once.

function normalised(inputs, weight, bias, eps) {
  const D = inputs.shape.at(-1);
  expectShape("weight", weight, [D]);
  expectShape("bias", bias, [D]);
  const N = D === 0 ? 0 : inputs.data.length / D;
  const scales = new Float64Array(N);
  const normal = new Float64Array(N * D);
  for (let n = 0; n < N; n++) {
    let sum = 0;
    let squares = 0;
    for (let d = 0; d < D; d++) sum += inputs.data[n * D + d];
    for (let d = 0; d < D; d++) squares += (inputs.data[n * D + d] - sum / D) ** 2;
    scales[n] = 1 / Math.sqrt(squares / D + eps);
    for (let d = 0; d < D; d++) normal[n * D + d] = (inputs.data[n * D + d] - sum / D) * scales[n];
  }
  return { N, D, scales, normal };
}

function layerNormForward(inputs, weight, bias, { eps }) {
  const { D, normal } = normalised(inputs, weight, bias, eps);
  const outputs = tensor(inputs.dtype, inputs.shape);
  normal.forEach((x, k) => (outputs.data[k] = x * weight.data[k % D] + bias.data[k % D]));
  return [outputs];
}

function layerNormBackward(dOutputs, inputs, weight, bias, { eps }) {
  const { N, D, scales, normal } = normalised(inputs, weight, bias, eps);
  expectShape("dL_doutputs", dOutputs, inputs.shape);
  const dInputs = tensor(inputs.dtype, inputs.shape);
  const dWeight = new Float64Array(D);
  const dBias = new Float64Array(D);
  for (let n = 0; n < N; n++) {
    let sum = 0;
    let along = 0;
    for (let d = 0, k = n * D; d < D; d++, k++) {
      const g = dOutputs.data[k] * weight.data[d];
      sum += g;
      along += g * normal[k];
      dWeight[d] += dOutputs.data[k] * normal[k];
      dBias[d] += dOutputs.data[k];
    }
    for (let d = 0, k = n * D; d < D; d++, k++) {
      const g = dOutputs.data[k] * weight.data[d];
      dInputs.data[k] = scales[n] * (g - sum / D - (normal[k] * along) / D);
    }
  }
  return [dInputs, rounded(inputs.dtype, [D], dWeight), rounded(inputs.dtype, [D], dBias)];
}

// Convolution of images (N, C, H, W) with a weight (O, C / groups, KH, KW) and a bias (O,).

function pair(sizes) {
  return Array.isArray(sizes) ? sizes : [sizes, sizes];
}

function windows(inputs, weight, bias, { stride = 1, padding = 0, dilation = 1, groups = 1 }) {
  expectRank("inputs", inputs, 4);
  expectRank("weight", weight, 4);
  const [N, C, H, W] = inputs.shape;
  const [O, each, KH, KW] = weight.shape;
  if (groups < 1 || O % groups || C !== each * groups) throw new Error(`${groups} groups of ${C} channels, to ${O}`);
  expectShape("bias", bias, [O]);
  const [steps, around, gaps] = [pair(stride), pair(padding), pair(dilation)];
  const [OH, OW] = [[H, KH], [W, KW]].map(([size, taps], axis) => {
    const count = Math.floor((size + 2 * around[axis] - gaps[axis] * (taps - 1) - 1) / steps[axis]) + 1;
    if (taps < 1 || count < 1) throw new Error(`images of ${H} x ${W} are smaller than a window of ${KH} x ${KW}`);
    return count;
  });

  // Calls a function with the places in outputs, inputs and weight of everything that is multiplied.
  function visit(use) {
    for (let n = 0; n < N; n++) {
      for (let o = 0; o < O; o++) {
        const first = Math.floor(o / (O / groups)) * each;
        for (let y = 0; y < OH; y++) {
          for (let x = 0; x < OW; x++) {
            const out = ((n * O + o) * OH + y) * OW + x;
            for (let c = 0; c < each; c++) {
              for (let ky = 0; ky < KH; ky++) {
                const row = y * steps[0] + ky * gaps[0] - around[0];
                if (row < 0 || row >= H) continue;
                for (let kx = 0; kx < KW; kx++) {
                  const column = x * steps[1] + kx * gaps[1] - around[1];
                  if (column < 0 || column >= W) continue;
                  use(out, ((n * C + first + c) * H + row) * W + column, ((o * each + c) * KH + ky) * KW + kx);
                }
              }
            }
          }
        }
      }
    }
  }
  return { shape: [N, O, OH, OW], visit };
}

function conv2dForward(inputs, weight, bias, parameters) {
  const { shape, visit } = windows(inputs, weight, bias, parameters);
  const [N, O, OH, OW] = shape;
  const sums = new Float64Array(N * O * OH * OW).map((_, k) => bias.data[Math.floor(k / (OH * OW)) % O]);
  visit((out, at, tap) => (sums[out] += inputs.data[at] * weight.data[tap]));
  return [rounded(inputs.dtype, shape, sums)];
}

function conv2dBackward(dOutputs, inputs, weight, bias, parameters) {
  const { shape, visit } = windows(inputs, weight, bias, parameters);
  expectShape("dL_doutputs", dOutputs, shape);
  const [dInputs, dWeight, dBias] = [inputs, weight, bias].map(({ data }) => new Float64Array(data.length));
  visit((out, at, tap) => {
    dInputs[at] += dOutputs.data[out] * weight.data[tap];
    dWeight[tap] += dOutputs.data[out] * inputs.data[at];
  });
  const [, O, OH, OW] = shape;
  dOutputs.data.forEach((g, k) => (dBias[Math.floor(k / (OH * OW)) % O] += g));
  const { dtype } = inputs;
  return [
    rounded(dtype, inputs.shape, dInputs),
    rounded(dtype, weight.shape, dWeight),
    rounded(dtype, bias.shape, dBias),
  ];
}

// Attention of queries (B, H, S, D) to keys (B, G, T, D) and values (B, G, T, E). H / G heads after one another share
// keys.

function attention(query, key, value, { scale, is_causal: isCausal = false, softcap = null, window = Infinity }) {
  Object.entries({ query, key, value }).forEach(([name, tensor]) => expectRank(name, tensor, 4));
  const [B, H, S, D] = query.shape;
  const [, G, T] = key.shape;
  const E = value.shape[3];
  expectShape("key", key, [B, G, T, D]);
  expectShape("value", value, [B, G, T, E]);
  if (H % G) throw new Error(`${H} heads of queries cannot share ${G} heads of keys`);

  // Calls a function with each query's row, and with row, probability and slope of the cap of each key that it sees.
  function visit(use) {
    for (let i = 0; i < B * H * S; i++) {
      const s = i % S;
      const head = Math.floor(Math.floor(i / S) / (H / G));
      const seen = [];
      for (let t = Math.max(0, s - window); t < T && t <= s + (isCausal ? 0 : window); t++) {
        const j = head * T + t;
        const score = scale * dot(D, query, i, key, j);
        const pressed = softcap === null ? score : softcap * Math.tanh(score / softcap);
        seen.push({ j, score: pressed, slope: softcap === null ? 1 : 1 - (pressed / softcap) ** 2 });
      }
      const largest = seen.reduce((most, { score }) => Math.max(most, score), -Infinity);
      seen.forEach((one) => (one.p = Math.exp(one.score - largest)));
      const sum = seen.reduce((total, { p }) => total + p, 0);
      seen.forEach((one) => (one.p /= sum));
      use(i, seen);
    }
  }
  return { shape: [B, H, S, E], D, E, visit };
}

function dot(size, a, i, b, j) {
  let sum = 0;
  for (let k = 0; k < size; k++) sum += a.data[i * size + k] * b.data[j * size + k];
  return sum;
}

// Adds a multiple of row j of a tensor to row i of some sums.
function addRow(size, sums, i, factor, { data }, j) {
  for (let k = 0; k < size; k++) sums[i * size + k] += factor * data[j * size + k];
}

function attentionForward(query, key, value, parameters) {
  const { shape, E, visit } = attention(query, key, value, parameters);
  const sums = new Float64Array(shape.reduce((a, b) => a * b, 1));
  visit((i, seen) => seen.forEach(({ j, p }) => addRow(E, sums, i, p, value, j)));
  return [rounded(query.dtype, shape, sums)];
}

function attentionBackward(dOutputs, query, key, value, parameters) {
  const { shape, D, E, visit } = attention(query, key, value, parameters);
  expectShape("dL_doutputs", dOutputs, shape);
  const [dQuery, dKey, dValue] = [query, key, value].map(({ data }) => new Float64Array(data.length));
  visit((i, seen) => {
    const dp = seen.map(({ j }) => dot(E, dOutputs, i, value, j));
    const along = seen.reduce((sum, { p }, k) => sum + p * dp[k], 0);
    seen.forEach(({ j, p, slope }, k) => {
      const dScore = parameters.scale * slope * p * (dp[k] - along);
      addRow(D, dQuery, i, dScore, key, j);
      addRow(D, dKey, j, dScore, query, i);
      addRow(E, dValue, j, p, dOutputs, i);
    });
  });
  const { dtype } = query;
  return [
    rounded(dtype, query.shape, dQuery),
    rounded(dtype, key.shape, dKey),
    rounded(dtype, value.shape, dValue),
  ];
}

// Softmax with cross-entropy, of logits (N, C) and labels as class indices (N,) or as rows (N, C).

function labelRows(logits, labels) {
  expectRank("logits", logits, 2);
  const [N, C] = logits.shape;
  if (C === 0) throw new RangeError("logits without classes");
  if (labels.dtype !== "int64") {
    expectShape("labels", labels, [N, C]);
    return labels.data;
  }
  expectShape("labels", labels, [N]);
  const rows = new ARRAYS[logits.dtype](N * C);
  labels.data.forEach((label, n) => {
    if (label < 0n || label >= BigInt(C)) throw new RangeError(`label ${label} is not within 0 and ${C - 1}`);
    rows[n * C + Number(label)] = 1;
  });
  return rows;
}

// One row's exponentials of what its logits are below the largest, and their sum.
function exponentials(logits, n, round) {
  const C = logits.shape[1];
  const row = logits.data.subarray(n * C, (n + 1) * C);
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const shifted = row.map((z) => z - largest);
  const powers = shifted.map(Math.exp);
  return { shifted, powers, sum: powers.reduce((a, b) => round(a + b), 0) };
}

function softmaxCrossEntropyForward(logits, labels, { reduction }) {
  const truth = labelRows(logits, labels);
  const [N, C] = logits.shape;
  const round = ROUND[logits.dtype];
  const losses = tensor(logits.dtype, [N]);
  for (let n = 0; n < N; n++) {
    const { shifted, sum } = exponentials(logits, n, round);
    const logSum = round(Math.log(sum));
    for (let c = 0; c < C; c++) {
      // A class that has no share in the truth has no say, not even with a logit of -Infinity.
      if (truth[n * C + c] !== 0) losses.data[n] += round(truth[n * C + c] * round(logSum - shifted[c]));
    }
  }
  if (reduction === "none") return [losses];
  const total = losses.data.reduce((a, b) => round(a + b), 0);
  const loss = tensor(logits.dtype, []);
  loss.data[0] = reduction === "mean" ? total / N : total;
  return [loss];
}

function softmaxCrossEntropyBackward(dLoss, logits, labels, { reduction }) {
  const truth = labelRows(logits, labels);
  const [N, C] = logits.shape;
  expectShape("dL_dloss", dLoss, reduction === "none" ? [N] : []);
  const round = ROUND[logits.dtype];
  const dLogits = tensor(logits.dtype, [N, C]);
  for (let n = 0; n < N; n++) {
    const { powers, sum } = exponentials(logits, n, round);
    const upstream = reduction === "none" ? dLoss.data[n] : dLoss.data[0];
    const share = reduction === "mean" ? round(upstream / N) : upstream;
    for (let c = 0; c < C; c++) {
      dLogits.data[n * C + c] = round(round(powers[c] / sum) - truth[n * C + c]) * share;
    }
  }
  return [dLogits];
}

// The harness: a line comes, a line goes.

const FUNCTIONS = {
  dense: { forward: denseForward, backward: denseBackward },
  layer_norm: { forward: layerNormForward, backward: layerNormBackward },
  conv2d: { forward: conv2dForward, backward: conv2dBackward },
  scaled_dot_product_attention: { forward: attentionForward, backward: attentionBackward },
  relu: { forward: reluForward, backward: reluBackward },
  softmax_cross_entropy: { forward: softmaxCrossEntropyForward, backward: softmaxCrossEntropyBackward },
};

const PARAMETERS = {
  layer_norm: ["eps"],
  conv2d: ["stride", "padding", "dilation", "groups"],
  scaled_dot_product_attention: ["scale", "is_causal", "softcap", "window"],
  softmax_cross_entropy: ["reduction"],
};

function decode({ dtype, shape, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, "base64")); // a copy, aligned as typed arrays need it
  return { dtype, shape, data: new ARRAYS[dtype](bytes.buffer) };
}

function encode({ dtype, shape, data }) {
  return { dtype, shape, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
}

function answer(request) {
  switch (request.command) {
    case "start":
      return {
        protocol: 1,
        name: "layers by hand",
        version: "1.0",
        language: "JavaScript",
        operations: Object.fromEntries(Object.entries(FUNCTIONS).map(([name, of]) => [name, Object.keys(of)])),
        dtypes: ["float64", "float32"],
      };
    case "call": {
      const call = FUNCTIONS[request.operation]?.[request.direction];
      if (!call) return { unsupported: `${request.operation} ${request.direction}` };
      const taken = PARAMETERS[request.operation] ?? [];
      const other = Object.keys(request.parameters).find((name) => !taken.includes(name));
      if (other) return { unsupported: `the parameter ${other}` };
      return { results: call(...request.arguments.map(decode), request.parameters).map(encode) };
    }
    default:
      return { error: `unknown command ${request.command}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.command === "stop") break;
  let reply;
  try {
    reply = answer(request);
  } catch (error) {
    reply = { error: error.message };
  }
  process.stdout.write(JSON.stringify({ id: request.id, ...reply }) + "\n");
}
