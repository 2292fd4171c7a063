/* A harness in C for the layers in layers.h. The standard library alone:

       cc -O2 -o harness harness.c -lm
       pytest --impl-cmd ./harness
*/

#include "protocol.h"

enum reduction { MEAN, SUM, NONE };

/* Windows over images (N, C, H, W) in groups of channels, `each` of which a weight (O, each, KH, KW) sees. */
struct windows {
    long N, C, H, W, O, each, KH, KW, OH, OW, groups, stride[2], padding[2], dilation[2];
};

/* Queries (B, H, S, D), keys (B, G, T, D) and values (B, G, T, E); a window below 0 and a cap of 0 are none. */
struct heads {
    long B, H, S, D, G, T, E, window;
    int is_causal;
    double scale, softcap;
};

#define REAL double
#define OF(name) name##_float64
#define EXP exp
#define LOG log
#define SQRT sqrt
#define TANH tanh
#include "layers.h"
#undef REAL
#undef OF
#undef EXP
#undef LOG
#undef SQRT
#undef TANH

#define REAL float
#define OF(name) name##_float32
#define EXP expf
#define LOG logf
#define SQRT sqrtf
#define TANH tanhf
#include "layers.h"

/* The operations: they look at what came, make room for what goes, and call the layers. Each returns how many results. */

#define CALL(dtype, function, ...) \
    ((dtype) == FLOAT64 ? function##_float64(__VA_ARGS__) : function##_float32(__VA_ARGS__))

static int dense(struct call *call)
{
    int backward = call->backward;
    if (call->count != 3 + backward)
        refuse("%d arguments, where %d are expected", call->count, 3 + backward);
    struct tensor *x = call->arguments + backward, *w = x + 1, *b = x + 2, *results = call->results;
    enum dtype dtype = real_dtype(x);
    expect("inputs", x, dtype, 2, NULL);
    expect("weights", w, dtype, 2, (long[]){x->shape[1], w->shape[1]});
    long N = x->shape[0], I = x->shape[1], O = w->shape[1];
    expect("biases", b, dtype, 2, (long[]){1, O});
    if (!backward) {
        results[0] = new_tensor(dtype, 2, (long[]){N, O});
        CALL(dtype, dense_forward, N, I, O, x->data, w->data, b->data, results[0].data);
        return 1;
    }
    expect("dL_doutputs", call->arguments, dtype, 2, (long[]){N, O});
    for (int k = 0; k < 3; k++)
        results[k] = new_tensor(dtype, 2, x[k].shape);
    CALL(dtype, dense_backward, N, I, O, call->arguments[0].data, x->data, w->data, results[0].data, results[1].data,
         results[2].data);
    return 3;
}

static int relu(struct call *call)
{
    int backward = call->backward;
    if (call->count != 1 + backward)
        refuse("%d arguments, where %d are expected", call->count, 1 + backward);
    struct tensor *x = call->arguments + backward;
    enum dtype dtype = real_dtype(x);
    call->results[0] = new_tensor(dtype, x->rank, x->shape);
    if (!backward) {
        CALL(dtype, relu_forward, x->size, x->data, call->results[0].data);
        return 1;
    }
    expect("dL_doutputs", call->arguments, dtype, x->rank, x->shape);
    CALL(dtype, relu_backward, x->size, call->arguments[0].data, x->data, call->results[0].data);
    return 1;
}

static int layer_norm(struct call *call)
{
    int backward = call->backward;
    if (call->count != 3 + backward)
        refuse("%d arguments, where %d are expected", call->count, 3 + backward);
    struct tensor *x = call->arguments + backward, *w = x + 1, *b = x + 2, *results = call->results;
    enum dtype dtype = real_dtype(x);
    if (!x->rank)
        refuse("inputs has no axes");
    long D = x->shape[x->rank - 1], N = D ? x->size / D : 0;
    expect("weight", w, dtype, 1, &D);
    expect("bias", b, dtype, 1, &D);
    double eps = number(call, "eps", 0, 0);
    void *normal = new_tensor(dtype, 1, &D).data;
    results[0] = new_tensor(dtype, x->rank, x->shape);
    if (!backward) {
        CALL(dtype, layer_norm_forward, N, D, x->data, w->data, b->data, eps, normal, results[0].data);
        return 1;
    }
    expect("dL_doutputs", call->arguments, dtype, x->rank, x->shape);
    results[1] = new_tensor(dtype, 1, &D);
    results[2] = new_tensor(dtype, 1, &D);
    CALL(dtype, layer_norm_backward, N, D, call->arguments[0].data, x->data, w->data, eps, normal, results[0].data,
         results[1].data, results[2].data);
    return 3;
}

static int conv2d(struct call *call)
{
    int backward = call->backward;
    if (call->count != 3 + backward)
        refuse("%d arguments, where %d are expected", call->count, 3 + backward);
    struct tensor *x = call->arguments + backward, *w = x + 1, *b = x + 2, *results = call->results;
    enum dtype dtype = real_dtype(x);
    expect("inputs", x, dtype, 4, NULL);
    expect("weight", w, dtype, 4, NULL);
    struct windows s = {.N = x->shape[0], .C = x->shape[1], .H = x->shape[2], .W = x->shape[3], .O = w->shape[0],
                        .each = w->shape[1], .KH = w->shape[2], .KW = w->shape[3]};
    expect("bias", b, dtype, 1, &s.O);
    s.groups = (long)number(call, "groups", 0, 1);
    if (s.groups < 1 || s.O % s.groups || s.C != s.each * s.groups)
        refuse("%ld groups of %ld channels, to %ld", s.groups, s.C, s.O);
    long *counts[] = {&s.OH, &s.OW}, taps[] = {s.KH, s.KW};
    for (int axis = 0; axis < 2; axis++) {
        s.stride[axis] = (long)number(call, "stride", axis, 1);
        s.padding[axis] = (long)number(call, "padding", axis, 0);
        s.dilation[axis] = (long)number(call, "dilation", axis, 1);
        long room = x->shape[2 + axis] + 2 * s.padding[axis] - s.dilation[axis] * (taps[axis] - 1) - 1;
        if (taps[axis] < 1 || s.stride[axis] < 1 || room < 0)
            refuse("images are smaller than a window along axis %d", axis);
        *counts[axis] = room / s.stride[axis] + 1;
    }
    if (!backward) {
        results[0] = new_tensor(dtype, 4, (long[]){s.N, s.O, s.OH, s.OW});
        CALL(dtype, conv2d, &s, NULL, x->data, w->data, b->data, results[0].data, NULL, NULL, NULL);
        return 1;
    }
    expect("dL_doutputs", call->arguments, dtype, 4, (long[]){s.N, s.O, s.OH, s.OW});
    for (int k = 0; k < 3; k++)
        results[k] = new_tensor(dtype, x[k].rank, x[k].shape);
    CALL(dtype, conv2d, &s, call->arguments[0].data, x->data, w->data, b->data, NULL, results[0].data, results[1].data,
         results[2].data);
    return 3;
}

static int attention(struct call *call)
{
    int backward = call->backward;
    if (call->count != 3 + backward)
        refuse("%d arguments, where %d are expected", call->count, 3 + backward);
    struct tensor *q = call->arguments + backward, *k = q + 1, *v = q + 2, *results = call->results;
    enum dtype dtype = real_dtype(q);
    for (int which = 0; which < 3; which++)
        expect("query, key or value", q + which, dtype, 4, NULL);
    struct heads h = {.B = q->shape[0], .H = q->shape[1], .S = q->shape[2], .D = q->shape[3], .G = k->shape[1],
                      .T = k->shape[2], .E = v->shape[3], .window = (long)number(call, "window", 0, -1),
                      .is_causal = holds(call, "is_causal"), .scale = number(call, "scale", 0, 1),
                      .softcap = number(call, "softcap", 0, 0)};
    expect("key", k, dtype, 4, (long[]){h.B, h.G, h.T, h.D});
    expect("value", v, dtype, 4, (long[]){h.B, h.G, h.T, h.E});
    if (h.G < 1 || h.H % h.G)
        refuse("%ld heads of queries cannot share %ld heads of keys", h.H, h.G);
    void *rows[3];
    for (int which = 0; which < 3; which++)
        rows[which] = new_tensor(dtype, 1, &h.T).data;
    const long *shape = (long[]){h.B, h.H, h.S, h.E};
    if (!backward) {
        results[0] = new_tensor(dtype, 4, shape);
        CALL(dtype, attention, &h, NULL, q->data, k->data, v->data, rows[0], rows[1], rows[2], results[0].data, NULL,
             NULL, NULL);
        return 1;
    }
    expect("dL_doutputs", call->arguments, dtype, 4, shape);
    for (int which = 0; which < 3; which++)
        results[which] = new_tensor(dtype, 4, q[which].shape);
    CALL(dtype, attention, &h, call->arguments[0].data, q->data, k->data, v->data, rows[0], rows[1], rows[2], NULL,
         results[0].data, results[1].data, results[2].data);
    return 3;
}

static int softmax_cross_entropy(struct call *call)
{
    int backward = call->backward;
    if (call->count != 2 + backward)
        refuse("%d arguments, where %d are expected", call->count, 2 + backward);
    struct tensor *z = call->arguments + backward, *labels = z + 1, *result = call->results;
    enum dtype dtype = real_dtype(z);
    expect("logits", z, dtype, 2, NULL);
    long N = z->shape[0], C = z->shape[1];
    if (C == 0)
        refuse("logits without classes");
    enum reduction how = chosen(call, "reduction", "mean") ? MEAN : chosen(call, "reduction", "sum") ? SUM : NONE;
    int loss_rank = how == NONE;
    struct tensor truth = *labels;
    if (labels->dtype == INT64) {
        expect("labels", labels, INT64, 1, &N);
        const int64_t *indices = labels->data;
        for (long n = 0; n < N; n++)
            if (indices[n] < 0 || indices[n] >= C)
                refuse("label %" PRId64 " is not within 0 and %ld", indices[n], C - 1);
        truth = new_tensor(dtype, 2, z->shape);
        CALL(dtype, one_hot, N, C, indices, truth.data);
    } else {
        expect("labels", labels, dtype, 2, z->shape);
    }
    void *rows = new_tensor(dtype, 1, &N).data, *shifted = new_tensor(dtype, 1, &C).data;
    if (!backward) {
        *result = new_tensor(dtype, loss_rank, &N);
        CALL(dtype, softmax_cross_entropy_forward, N, C, z->data, truth.data, how, rows, shifted,
             result->data);
        return 1;
    }
    expect("dL_dloss", call->arguments, dtype, loss_rank, &N);
    *result = new_tensor(dtype, 2, z->shape);
    CALL(dtype, softmax_cross_entropy_backward, N, C, call->arguments[0].data, z->data, truth.data, how,
         rows, shifted, result->data);
    return 1;
}

static const struct operation operations[] = {
    {"dense", dense, dense, {0}},
    {"relu", relu, relu, {0}},
    {"layer_norm", layer_norm, layer_norm, {"eps"}},
    {"conv2d", conv2d, conv2d, {"stride", "padding", "dilation", "groups"}},
    {"scaled_dot_product_attention", attention, attention, {"scale", "is_causal", "softcap", "window"}},
    {"softmax_cross_entropy", softmax_cross_entropy, softmax_cross_entropy, {"reduction"}},
    {0},
};

int main(void)
{
    return serve("layers by hand", "\"float64\",\"float32\"", operations);
}
