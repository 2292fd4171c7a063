/* What a harness in C needs, with the standard library alone: a line comes, a line goes.

   An operation is a function that takes a call, looks at its arguments, makes its results, and returns how many these
   are. `serve` answers all requests with a table of them. Memory that a call takes is given back after its answer. */

#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A call is refused, or said to be beyond the implementation, by jumping out of it with a message. */

static jmp_buf stopped;
static char message[300];

static inline _Noreturn void stop(const char *key, const char *format, va_list arguments)
{
    int used = snprintf(message, sizeof message, "\"%s\":\"", key);
    vsnprintf(message + used, sizeof message - (size_t)used - 1, format, arguments);
    strcat(message, "\"");
    longjmp(stopped, 1);
}

static inline _Noreturn void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    stop("error", format, arguments);
}

static inline _Noreturn void unsupported(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    stop("unsupported", format, arguments);
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

enum { MOST_AXES = 8, MOST_TENSORS = 16 };
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

static inline enum dtype real_dtype(const struct tensor *tensor)
{
    if (tensor->dtype == INT64)
        refuse("whole numbers, where float64 or float32 are expected");
    return tensor->dtype;
}

static inline void expect(const char *name, const struct tensor *tensor, enum dtype dtype, int rank, const long *shape)
{
    if (tensor->dtype != dtype)
        refuse("%s is %s, where %s is expected", name, dtype_names[tensor->dtype], dtype_names[dtype]);
    if (tensor->rank != rank)
        refuse("%s has %d axes, where %d are expected", name, tensor->rank, rank);
    for (int axis = 0; shape && axis < rank; axis++)
        if (tensor->shape[axis] != shape[axis])
            refuse("%s has %ld along axis %d, where %ld is expected", name, tensor->shape[axis], axis, shape[axis]);
}

/* A call. */

struct call {
    struct tensor arguments[MOST_TENSORS], results[MOST_TENSORS];
    int count, backward;
    const char *parameters;
};

/* Makes room for a result of the dtype of the arguments, filled with 0. */
static inline void *result(struct call *call, int which, int rank, const long *shape)
{
    call->results[which] = new_tensor(call->arguments[0].dtype, rank, shape);
    return call->results[which].data;
}

/* A number, or one of a list, among the parameters; what is at its default is not there. */
static inline double number(const struct call *call, const char *name, int which, double otherwise)
{
    const char *value = member(call->parameters, name);
    if (!value)
        return otherwise;
    if (*value == '[')
        for (value = next_item(value + 1); value && which; which--)
            value = next_item(skip_value(value));
    if (!value)
        refuse("too few numbers in %s", name);
    return strtod(value, NULL);
}

/* Whether a parameter is this text. */
static inline int chosen(const struct call *call, const char *name, const char *text)
{
    return is_text(member(call->parameters, name), text);
}

/* Whether a parameter is true. */
static inline int holds(const struct call *call, const char *name)
{
    const char *value = member(call->parameters, name);
    return value && *value == 't';
}

enum { MOST_PARAMETERS = 10 };
struct operation {
    const char *name;
    int (*forward)(struct call *), (*backward)(struct call *); /* NULL for none */
    const char *parameters[MOST_PARAMETERS];                   /* calls with another are unsupported */
};

static int run(const struct operation *operation, const char *request, struct call *call)
{
    while (operation->name && !is_text(member(request, "operation"), operation->name))
        operation++;
    call->backward = is_text(member(request, "direction"), "backward");
    call->parameters = member(request, "parameters");
    int (*function)(struct call *) = call->backward ? operation->backward : operation->forward;
    if (!function)
        unsupported("an operation or direction that is not implemented");
    for (const char *at = call->parameters ? call->parameters + 1 : ""; (at = next_item(at)); at = skip_member(at)) {
        int known = 0;
        for (int k = 0; k < MOST_PARAMETERS && operation->parameters[k]; k++)
            known |= is_text(at, operation->parameters[k]);
        if (!known)
            unsupported("a parameter that is not taken");
    }
    const char *arguments = member(request, "arguments");
    for (const char *at = arguments ? arguments + 1 : ""; (at = next_item(at)); at = skip_value(at)) {
        if (call->count == MOST_TENSORS)
            unsupported("more than %d arguments", MOST_TENSORS);
        call->arguments[call->count++] = decode(at);
    }
    return function(call);
}

static void answer(const struct operation *operations, const char *request)
{
    static struct call call;
    volatile int results = -1; /* kept over the jump */
    memset(&call, 0, sizeof call);
    if (!setjmp(stopped))
        results = run(operations, request, &call);
    if (results < 0) {
        fputs(message, stdout);
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

static void start(const char *name, const char *dtypes, const struct operation *operations)
{
    printf("\"protocol\":1,\"name\":\"%s\",\"version\":\"1.0\",\"language\":\"C\",\"operations\":{", name);
    for (int k = 0; operations[k].name; k++) {
        int both = operations[k].forward && operations[k].backward;
        printf("%s\"%s\":[%s%s%s]", k ? "," : "", operations[k].name, operations[k].forward ? "\"forward\"" : "",
               both ? "," : "", operations[k].backward ? "\"backward\"" : "");
    }
    printf("},\"dtypes\":[%s]", dtypes);
}

/* Answers all requests. The dtypes are a list as JSON has it; the operations end with one that has no name. */
static int serve(const char *name, const char *dtypes, const struct operation *operations)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        const char *request = skip_space(line), *command = member(request, "command"), *id = member(request, "id");
        if (!id || is_text(command, "stop"))
            break;
        printf("{\"id\":%ld,", strtol(id, NULL, 10));
        if (is_text(command, "start"))
            start(name, dtypes, operations);
        else
            answer(operations, request);
        printf("}\n");
        fflush(stdout);
        release();
    }
    free(line);
    return 0;
}
