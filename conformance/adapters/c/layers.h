/* Dense, ReLU, layer normalisation, convolution, attention and softmax with cross-entropy by hand, for one type of
   numbers. Included once for each, with

       REAL     the type: double, float
       OF(name) the name of its functions: name ## _float64
       EXP, LOG, SQRT, TANH what the mathematics library calls its functions of that type

   Matrices are rows one after another. Shapes and labels have been looked at before. */

static void OF(dense_forward)(long N, long I, long O, const REAL *inputs, const REAL *weights, const REAL *biases,
                              REAL *outputs)
{
    for (long n = 0; n < N; n++)
        for (long o = 0; o < O; o++) {
            REAL sum = 0;
            for (long i = 0; i < I; i++)
                sum += inputs[n * I + i] * weights[i * O + o];
            outputs[n * O + o] = sum + biases[o];
        }
}

/* The gradients come filled with 0. */
static void OF(dense_backward)(long N, long I, long O, const REAL *doutputs, const REAL *inputs, const REAL *weights,
                               REAL *dinputs, REAL *dweights, REAL *dbiases)
{
    for (long n = 0; n < N; n++)
        for (long o = 0; o < O; o++) {
            REAL upstream = doutputs[n * O + o];
            dbiases[o] += upstream;
            for (long i = 0; i < I; i++) {
                dinputs[n * I + i] += upstream * weights[i * O + o];
                dweights[i * O + o] += inputs[n * I + i] * upstream;
            }
        }
}

static void OF(relu_forward)(long count, const REAL *inputs, REAL *outputs)
{
    for (long k = 0; k < count; k++)
        outputs[k] = inputs[k] < 0 ? 0 : inputs[k]; /* so that NaN stays NaN */
}

/* The slope at 0 is taken as 0. */
static void OF(relu_backward)(long count, const REAL *doutputs, const REAL *inputs, REAL *dinputs)
{
    for (long k = 0; k < count; k++)
        dinputs[k] = inputs[k] > 0 ? doutputs[k] : 0;
}

/* One row (D,), normalised into `normal`; returns what it was multiplied by. */
static REAL OF(normalise)(long D, const REAL *inputs, REAL eps, REAL *normal)
{
    REAL sum = 0, squares = 0;
    for (long d = 0; d < D; d++)
        sum += inputs[d];
    for (long d = 0; d < D; d++) {
        normal[d] = inputs[d] - sum / (REAL)D;
        squares += normal[d] * normal[d];
    }
    REAL scale = 1 / SQRT(squares / (REAL)D + eps);
    for (long d = 0; d < D; d++)
        normal[d] *= scale;
    return scale;
}

static void OF(layer_norm_forward)(long N, long D, const REAL *inputs, const REAL *weight, const REAL *bias, double eps,
                                   REAL *normal, REAL *outputs)
{
    for (long n = 0; n < N; n++) {
        OF(normalise)(D, inputs + n * D, (REAL)eps, normal);
        for (long d = 0; d < D; d++)
            outputs[n * D + d] = normal[d] * weight[d] + bias[d];
    }
}

/* The gradients come filled with 0; `normal` has room for a row. */
static void OF(layer_norm_backward)(long N, long D, const REAL *doutputs, const REAL *inputs, const REAL *weight,
                                    double eps, REAL *normal, REAL *dinputs, REAL *dweight, REAL *dbias)
{
    for (long n = 0; n < N; n++) {
        const REAL *upstream = doutputs + n * D;
        REAL sum = 0, along = 0, scale = OF(normalise)(D, inputs + n * D, (REAL)eps, normal);
        for (long d = 0; d < D; d++) {
            sum += upstream[d] * weight[d];
            along += upstream[d] * weight[d] * normal[d];
            dweight[d] += upstream[d] * normal[d];
            dbias[d] += upstream[d];
        }
        for (long d = 0; d < D; d++)
            dinputs[n * D + d] = scale * (upstream[d] * weight[d] - sum / (REAL)D - normal[d] * (along / (REAL)D));
    }
}

/* Forward where `doutputs` is NULL: outputs (N, O, OH, OW). Else backward, into gradients that come filled with 0. */
static void OF(conv2d)(const struct windows *w, const REAL *doutputs, const REAL *inputs, const REAL *weight,
                       const REAL *bias, REAL *outputs, REAL *dinputs, REAL *dweight, REAL *dbias)
{
    for (long k = 0; k < w->N * w->O * w->OH * w->OW; k++) {
        long x = k % w->OW, y = k / w->OW % w->OH, o = k / (w->OW * w->OH) % w->O, n = k / (w->OW * w->OH * w->O);
        long first = o / (w->O / w->groups) * w->each;
        REAL sum = 0;
        for (long tap = 0; tap < w->each * w->KH * w->KW; tap++) {
            long c = first + tap / (w->KH * w->KW);
            long row = y * w->stride[0] + tap / w->KW % w->KH * w->dilation[0] - w->padding[0];
            long column = x * w->stride[1] + tap % w->KW * w->dilation[1] - w->padding[1];
            if (row < 0 || row >= w->H || column < 0 || column >= w->W)
                continue;
            long at = ((n * w->C + c) * w->H + row) * w->W + column, of = o * w->each * w->KH * w->KW + tap;
            if (!doutputs) {
                sum += inputs[at] * weight[of];
                continue;
            }
            dinputs[at] += doutputs[k] * weight[of];
            dweight[of] += doutputs[k] * inputs[at];
        }
        if (doutputs)
            dbias[o] += doutputs[k];
        else
            outputs[k] = sum + bias[o];
    }
}

/* Forward where `doutputs` is NULL. Else backward, into gradients that come filled with 0. `p`, `dp` and `slopes` have
   room for a row of keys. A query that sees no key has outputs of 0. */
static void OF(attention)(const struct heads *h, const REAL *doutputs, const REAL *query, const REAL *key,
                          const REAL *value, REAL *p, REAL *dp, REAL *slopes, REAL *outputs, REAL *dquery, REAL *dkey,
                          REAL *dvalue)
{
    const REAL scale = (REAL)h->scale, softcap = (REAL)h->softcap;
    for (long row = 0; row < h->B * h->H * h->S; row++) {
        const long s = row % h->S, head = row / h->S / (h->H / h->G); /* of keys, among all of them */
        const long first = h->window >= 0 && s > h->window ? s - h->window : 0;
        const long ahead = h->is_causal ? 0 : h->window >= 0 ? h->window : h->T;
        const long last = s + ahead < h->T ? s + ahead + 1 : h->T;
        const REAL *q = query + row * h->D, *k = key + head * h->T * h->D, *v = value + head * h->T * h->E;
        REAL largest = -INFINITY, sum = 0, along = 0;
        for (long t = first; t < last; t++) {
            REAL score = 0;
            for (long d = 0; d < h->D; d++)
                score += q[d] * k[t * h->D + d];
            p[t] = score * scale;
            slopes[t] = 1;
            if (softcap > 0) {
                REAL pressed = TANH(p[t] / softcap);
                p[t] = softcap * pressed;
                slopes[t] = 1 - pressed * pressed;
            }
            if (p[t] > largest || isnan(p[t]))
                largest = p[t];
        }
        for (long t = first; t < last; t++)
            sum += p[t] = EXP(p[t] - largest);
        for (long t = first; t < last; t++)
            p[t] /= sum;
        for (long t = first; t < last && !doutputs; t++)
            for (long e = 0; e < h->E; e++)
                outputs[row * h->E + e] += p[t] * v[t * h->E + e];
        if (!doutputs)
            continue;
        const REAL *upstream = doutputs + row * h->E;
        for (long t = first; t < last; t++) {
            dp[t] = 0;
            for (long e = 0; e < h->E; e++) {
                dp[t] += upstream[e] * v[t * h->E + e];
                dvalue[(head * h->T + t) * h->E + e] += p[t] * upstream[e];
            }
            along += p[t] * dp[t];
        }
        for (long t = first; t < last; t++) {
            REAL dscore = p[t] * (dp[t] - along) * slopes[t] * scale;
            for (long d = 0; d < h->D; d++) {
                dquery[row * h->D + d] += dscore * k[t * h->D + d];
                dkey[(head * h->T + t) * h->D + d] += dscore * q[d];
            }
        }
    }
}

/* What the logits of a row are below the largest, or NaN where one of them is; returns the sum of their exponentials. */
static REAL OF(shift)(long C, const REAL *logits, REAL *shifted)
{
    REAL largest = -INFINITY, sum = 0;
    for (long c = 0; c < C; c++)
        if (logits[c] > largest || isnan(logits[c]))
            largest = logits[c];
    for (long c = 0; c < C; c++) {
        shifted[c] = logits[c] - largest;
        sum += EXP(shifted[c]);
    }
    return sum;
}

/* The truth is in rows (N, C); `shifted` has room for one. */
static void OF(losses)(long N, long C, const REAL *logits, const REAL *truth, REAL *shifted, REAL *losses)
{
    for (long n = 0; n < N; n++) {
        REAL log_sum = LOG(OF(shift)(C, logits + n * C, shifted));
        losses[n] = 0;
        for (long c = 0; c < C; c++)
            if (truth[n * C + c] != 0) /* else it has no say, not even with a logit of -infinity */
                losses[n] += truth[n * C + c] * (log_sum - shifted[c]);
    }
}

/* The upstream is one number a row. */
static void OF(dlogits)(long N, long C, const REAL *upstream, const REAL *logits, const REAL *truth, REAL *shifted,
                        REAL *dlogits)
{
    for (long n = 0; n < N; n++) {
        REAL sum = OF(shift)(C, logits + n * C, shifted);
        for (long c = 0; c < C; c++)
            dlogits[n * C + c] = (EXP(shifted[c]) / sum - truth[n * C + c]) * upstream[n];
    }
}

/* Class indices (N,) as rows (N, C) that come filled with 0. */
static void OF(one_hot)(long N, long C, const int64_t *labels, REAL *truth)
{
    for (long n = 0; n < N; n++)
        truth[n * C + labels[n]] = 1;
}

static void OF(softmax_cross_entropy_forward)(long N, long C, const REAL *logits, const REAL *truth, enum reduction how,
                                              REAL *rows, REAL *shifted, REAL *loss)
{
    REAL sum = 0;
    OF(losses)(N, C, logits, truth, shifted, how == NONE ? loss : rows);
    if (how == NONE)
        return;
    for (long n = 0; n < N; n++)
        sum += rows[n];
    *loss = how == MEAN ? sum / (REAL)N : sum;
}

static void OF(softmax_cross_entropy_backward)(long N, long C, const REAL *dloss, const REAL *logits, const REAL *truth,
                                               enum reduction how, REAL *rows, REAL *shifted, REAL *dlogits)
{
    for (long n = 0; n < N; n++)
        rows[n] = how == NONE ? dloss[n] : how == MEAN ? dloss[0] / (REAL)N : dloss[0];
    OF(dlogits)(N, C, rows, logits, truth, shifted, dlogits);
}
