/* A harness in C for the layers in layers.h. The standard library alone:

       cc -O2 -o harness harness.c -lm
       pytest --impl-cmd ./harness
*/

#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum reduction { MEAN, SUM, NONE };

/* Windows over images (N, C, H, W) in groups of channels, `each` of which a weight (O, each, KH, KW) sees. */
struct windows {
    long N, C, H, W, O, each, KH, KW, OH, OW, groups, stride[2], padding[2], dilation[2];
};

#define REAL double
#define OF(name) name##_float64
#define EXP exp
#define LOG log
#define SQRT sqrt
#include "layers.h"
#undef REAL
#undef OF
#undef EXP
#undef LOG
#undef SQRT

#define REAL float
#define OF(name) name##_float32
#define EXP expf
#define LOG logf
#define SQRT sqrtf
#include "layers.h"

/* A call is refused by jumping out of it with a message. */

static jmp_buf refused;
static char message[200];

static _Noreturn void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    longjmp(refused, 1);
}

/* Memory that is needed until the answer is given. */

static struct block { struct block *before; } *blocks;

static void *zeroed(size_t size)
{
    struct block *block = calloc(1, sizeof *block + size + 8);
    if (!block)
        abort();
    block->before = blocks;
    blocks = block;
    return block + 1;
}

static void release(void)
{
    while (blocks) {
        struct block *before = blocks->before;
        free(blocks);
        blocks = before;
    }
}

/* JSON: a value is where it starts in the line. */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    at = skip_space(at);
    if (*at == '"')
        return skip_string(at);
    if (*at != '{' && *at != '[')
        return at + strcspn(at, ",]} \t\r\n");
    for (long depth = 0; *at;) {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at++;
        if (!depth)
            break;
    }
    return at;
}

static int is_text(const char *value, const char *text)
{
    return value && *value == '"' && !strncmp(value + 1, text, strlen(text)) && value[1 + strlen(text)] == '"';
}

/* The next element of an array or member of an object, whose inside `at` is in; NULL after the last. */
static const char *next_item(const char *at)
{
    at = skip_space(at);
    if (*at == ',')
        at = skip_space(at + 1);
    return *at && *at != ']' && *at != '}' ? at : NULL;
}

/* The value of the member of an object whose name `at` is at. */
static const char *value_of(const char *at)
{
    const char *value = skip_space(skip_string(at));
    return skip_space(*value == ':' ? value + 1 : value);
}

static const char *skip_member(const char *at)
{
    return skip_value(value_of(at));
}

/* The value of an object's member, NULL where it has none of that name. */
static const char *member(const char *object, const char *name)
{
    if (!object || *object != '{')
        return NULL;
    for (const char *at = object + 1; (at = next_item(at)); at = skip_member(at))
        if (is_text(at, name))
            return value_of(at);
    return NULL;
}

/* Tensors. */

enum { MOST_AXES = 8, MOST_TENSORS = 8 };
enum dtype { FLOAT64, FLOAT32, INT64, DTYPES };
static const char *const dtype_names[] = {"float64", "float32", "int64"};
static const size_t dtype_sizes[] = {8, 4, 8};

struct tensor {
    enum dtype dtype;
    int rank;
    long shape[MOST_AXES], size;
    void *data;
};

static void *allocate(struct tensor *tensor)
{
    tensor->size = 1;
    for (int axis = 0; axis < tensor->rank; axis++)
        tensor->size *= tensor->shape[axis];
    return tensor->data = zeroed((size_t)tensor->size * dtype_sizes[tensor->dtype]);
}

static struct tensor new_tensor(enum dtype dtype, int rank, const long *shape)
{
    struct tensor tensor = {.dtype = dtype, .rank = rank};
    for (int axis = 0; axis < rank; axis++)
        tensor.shape[axis] = shape[axis];
    allocate(&tensor);
    return tensor;
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct tensor decode(const char *value)
{
    static signed char digits[256];
    if (!digits['B'])
        for (int k = 0; k < 64; k++)
            digits[(unsigned char)base64[k]] = (signed char)k;

    struct tensor tensor = {.dtype = DTYPES};
    const char *dtype = member(value, "dtype"), *shape = member(value, "shape"), *data = member(value, "data");
    for (int known = 0; known < DTYPES; known++)
        if (is_text(dtype, dtype_names[known]))
            tensor.dtype = (enum dtype)known;
    if (tensor.dtype == DTYPES || !shape || *shape != '[' || !data || *data != '"')
        refuse("a tensor of no known kind");
    for (const char *at = shape + 1; (at = next_item(at)); at = skip_value(at)) {
        if (tensor.rank == MOST_AXES)
            refuse("a tensor of more than %d axes", MOST_AXES);
        tensor.shape[tensor.rank++] = strtol(at, NULL, 10);
    }

    unsigned char *bytes = allocate(&tensor);
    size_t left = (size_t)tensor.size * dtype_sizes[tensor.dtype];
    unsigned bits = 0, held = 0;
    for (const char *at = data + 1; left && *at && *at != '"' && *at != '='; at++) {
        if (*at == '\\') /* JSON may write / as \/ */
            continue;
        bits = bits << 6 | (unsigned)digits[(unsigned char)*at];
        held += 6;
        if (held >= 8) {
            held -= 8;
            *bytes++ = (unsigned char)(bits >> held);
            left--;
        }
    }
    if (left)
        refuse("a tensor with too few bytes");
    return tensor;
}

static void print_tensor(const struct tensor *tensor)
{
    printf("{\"dtype\":\"%s\",\"shape\":[", dtype_names[tensor->dtype]);
    for (int axis = 0; axis < tensor->rank; axis++)
        printf("%s%ld", axis ? "," : "", tensor->shape[axis]);
    printf("],\"data\":\"");
    const unsigned char *bytes = tensor->data;
    size_t count = (size_t)tensor->size * dtype_sizes[tensor->dtype];
    for (size_t k = 0; k < count; k += 3) {
        unsigned three = (unsigned)bytes[k] << 16;
        three |= k + 1 < count ? (unsigned)bytes[k + 1] << 8 : 0;
        three |= k + 2 < count ? (unsigned)bytes[k + 2] : 0;
        putchar(base64[three >> 18]);
        putchar(base64[three >> 12 & 63]);
        putchar(k + 1 < count ? base64[three >> 6 & 63] : '=');
        putchar(k + 2 < count ? base64[three & 63] : '=');
    }
    printf("\"}");
}

static enum dtype real_dtype(const struct tensor *tensor)
{
    if (tensor->dtype == INT64)
        refuse("whole numbers, where float64 or float32 are expected");
    return tensor->dtype;
}

static void expect(const char *name, const struct tensor *tensor, enum dtype dtype, int rank, const long *shape)
{
    if (tensor->dtype != dtype)
        refuse("%s is %s, where %s is expected", name, dtype_names[tensor->dtype], dtype_names[dtype]);
    if (tensor->rank != rank)
        refuse("%s has %d axes, where %d are expected", name, tensor->rank, rank);
    for (int axis = 0; shape && axis < rank; axis++)
        if (tensor->shape[axis] != shape[axis])
            refuse("%s has %ld along axis %d, where %ld is expected", name, tensor->shape[axis], axis, shape[axis]);
}

/* The operations: they look at what came, make room for what goes, and call the layers. Each returns how many results. */

#define CALL(dtype, function, ...) \
    ((dtype) == FLOAT64 ? function##_float64(__VA_ARGS__) : function##_float32(__VA_ARGS__))

struct call {
    struct tensor arguments[MOST_TENSORS], results[MOST_TENSORS];
    int count;
    enum reduction reduction;
    const char *parameters;
};

/* A number, or one of a list of two, among the parameters. */
static double parameter(const struct call *call, const char *name, int which, double otherwise)
{
    const char *value = member(call->parameters, name);
    if (!value)
        return otherwise;
    if (*value == '[') {
        value = next_item(value + 1);
        if (value && which)
            value = next_item(skip_value(value));
    }
    if (!value)
        refuse("too few numbers in %s", name);
    return strtod(value, NULL);
}

static int dense(struct call *call, int backward)
{
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

static int relu(struct call *call, int backward)
{
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

static int layer_norm(struct call *call, int backward)
{
    if (call->count != 3 + backward)
        refuse("%d arguments, where %d are expected", call->count, 3 + backward);
    struct tensor *x = call->arguments + backward, *w = x + 1, *b = x + 2, *results = call->results;
    enum dtype dtype = real_dtype(x);
    if (!x->rank)
        refuse("inputs has no axes");
    long D = x->shape[x->rank - 1], N = D ? x->size / D : 0;
    expect("weight", w, dtype, 1, &D);
    expect("bias", b, dtype, 1, &D);
    double eps = parameter(call, "eps", 0, 0);
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

static int conv2d(struct call *call, int backward)
{
    if (call->count != 3 + backward)
        refuse("%d arguments, where %d are expected", call->count, 3 + backward);
    struct tensor *x = call->arguments + backward, *w = x + 1, *b = x + 2, *results = call->results;
    enum dtype dtype = real_dtype(x);
    expect("inputs", x, dtype, 4, NULL);
    expect("weight", w, dtype, 4, NULL);
    struct windows s = {.N = x->shape[0], .C = x->shape[1], .H = x->shape[2], .W = x->shape[3], .O = w->shape[0],
                        .each = w->shape[1], .KH = w->shape[2], .KW = w->shape[3]};
    expect("bias", b, dtype, 1, &s.O);
    s.groups = (long)parameter(call, "groups", 0, 1);
    if (s.groups < 1 || s.O % s.groups || s.C != s.each * s.groups)
        refuse("%ld groups of %ld channels, to %ld", s.groups, s.C, s.O);
    long *counts[] = {&s.OH, &s.OW}, taps[] = {s.KH, s.KW};
    for (int axis = 0; axis < 2; axis++) {
        s.stride[axis] = (long)parameter(call, "stride", axis, 1);
        s.padding[axis] = (long)parameter(call, "padding", axis, 0);
        s.dilation[axis] = (long)parameter(call, "dilation", axis, 1);
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

static int softmax_cross_entropy(struct call *call, int backward)
{
    if (call->count != 2 + backward)
        refuse("%d arguments, where %d are expected", call->count, 2 + backward);
    struct tensor *z = call->arguments + backward, *labels = z + 1, *result = call->results;
    enum dtype dtype = real_dtype(z);
    expect("logits", z, dtype, 2, NULL);
    long N = z->shape[0], C = z->shape[1];
    if (C == 0)
        refuse("logits without classes");
    int loss_rank = call->reduction == NONE;
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
        CALL(dtype, softmax_cross_entropy_forward, N, C, z->data, truth.data, call->reduction, rows, shifted,
             result->data);
        return 1;
    }
    expect("dL_dloss", call->arguments, dtype, loss_rank, &N);
    *result = new_tensor(dtype, 2, z->shape);
    CALL(dtype, softmax_cross_entropy_backward, N, C, call->arguments[0].data, z->data, truth.data, call->reduction,
         rows, shifted, result->data);
    return 1;
}

static const struct {
    const char *name;
    int (*call)(struct call *, int backward);
    const char *parameters[4]; /* that it takes */
} operations[] = {
    {"dense", dense, {0}},
    {"relu", relu, {0}},
    {"layer_norm", layer_norm, {"eps"}},
    {"conv2d", conv2d, {"stride", "padding", "dilation", "groups"}},
    {"softmax_cross_entropy", softmax_cross_entropy, {"reduction"}},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* The harness: a line comes, a line goes. */

static int run(const char *request, struct call *call)
{
    const char *operation = member(request, "operation"), *arguments = member(request, "arguments");
    const char *parameters = member(request, "parameters"), *reduction = member(parameters, "reduction");
    int which = 0;
    while (which < OPERATIONS && !is_text(operation, operations[which].name))
        which++;
    if (which == OPERATIONS)
        refuse("an unknown operation");
    for (const char *at = parameters ? parameters + 1 : ""; (at = next_item(at)); at = skip_member(at)) {
        int known = 0;
        for (int k = 0; k < 4 && operations[which].parameters[k]; k++)
            known |= is_text(at, operations[which].parameters[k]);
        if (!known)
            refuse("a parameter that is not known");
    }
    call->parameters = parameters;
    call->reduction = is_text(reduction, "mean") ? MEAN : is_text(reduction, "sum") ? SUM : NONE;
    for (const char *at = arguments ? arguments + 1 : ""; (at = next_item(at)); at = skip_value(at)) {
        if (call->count == MOST_TENSORS)
            refuse("more than %d arguments", MOST_TENSORS);
        call->arguments[call->count++] = decode(at);
    }
    return operations[which].call(call, is_text(member(request, "direction"), "backward"));
}

static void answer(const char *request)
{
    static struct call call;
    volatile int results = -1; /* kept over the jump */
    memset(&call, 0, sizeof call);
    if (!setjmp(refused))
        results = run(request, &call);
    if (results < 0) {
        printf("\"error\":\"%s\"", message);
        return;
    }
    printf("\"results\":[");
    for (int k = 0; k < results; k++) {
        if (k)
            putchar(',');
        print_tensor(call.results + k);
    }
    putchar(']');
}

static void start(void)
{
    printf("\"protocol\":1,\"name\":\"layers by hand\",\"version\":\"1.0\",\"language\":\"C\",\"operations\":{");
    for (int k = 0; k < OPERATIONS; k++)
        printf("%s\"%s\":[\"forward\",\"backward\"]", k ? "," : "", operations[k].name);
    printf("},\"dtypes\":[\"float64\",\"float32\"]");
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        const char *request = skip_space(line), *command = member(request, "command"), *id = member(request, "id");
        if (!id || is_text(command, "stop"))
            break;
        printf("{\"id\":%ld,", strtol(id, NULL, 10));
        if (is_text(command, "start"))
            start();
        else
            answer(request);
        printf("}\n");
        fflush(stdout);
        release();
    }
    free(line);
    return 0;
}
