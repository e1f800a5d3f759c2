/* residual: the output of a list of layers added to the list's input (He et al., "Deep residual
 * learning for image recognition", 2016). It is no node itself: it becomes the nodes of its list,
 * an `add`, and, where the shapes differ, a 1×1 convolution (the projection) that gives the input
 * the output's shape. */
#include "nn/graph.h"

#include "base/error.h"

enum { PROJECTION };
enum { PROJECTION_CONV, PROJECTION_BATCHNORM };

static const char *const projections[] = {"conv", "batchnorm", NULL};

static const cnn_key keys[] = {
    {.name = "projection",
     .kind = &cnn_kind_choice,
     .offset = offsetof(cnn_layer_spec, value[PROJECTION]),
     .choices = projections,
     .fallback = PROJECTION_CONV,
     .omit_default = true,
     .help = "the shortcut if the shapes differ: a 1×1 convolution with a bias (conv), or one "
             "without, and batchnorm",
     .prose = "The shortcut if the shapes differ: \"conv\": a 1×1 convolution with a bias; "
              "\"batchnorm\": one without a bias, and `batchnorm` after it, as in ResNets."},
    {.name = NULL},
};

/* The stride that turns the rows and columns of one shape into those of the other; 0: none. */
static int projection_stride(const cnn_shape *from, const cnn_shape *to) {
    for (int stride = 1; stride <= 31; stride++) {
        if ((from->height - 1) / stride + 1 == to->height &&
            (from->width - 1) / stride + 1 == to->width) {
            return stride;
        }
    }
    return 0;
}

static cnn_status project(cnn_graph_builder *builder, const cnn_layer_spec *residual, int input,
                          const cnn_shape *to, int *shortcut, cnn_error *error) {
    const cnn_shape *from = cnn_graph_shape(builder, input);
    int stride = projection_stride(from, to);
    if (stride == 0 || from->flat || to->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s.layers: expected an output that can be added to the input, directly or "
                        "through a 1×1 convolution, got %d×%d×%d from %d×%d×%d%s",
                        cnn_graph_place(builder), to->channels, to->height, to->width,
                        from->channels, from->height, from->width,
                        from->flat || to->flat ? "" : " (padding \"same\" keeps rows and columns)");
    }
    bool normalized = residual->value[PROJECTION] == PROJECTION_BATCHNORM;
    const cnn_layer_spec spec = cnn_layer_projection(to->channels, stride, !normalized);
    CNN_TRY(cnn_graph_append(builder, &spec, &input, 1, ".projection", shortcut, error));
    if (normalized) {
        const cnn_layer_spec norm = cnn_layer_default_batchnorm();
        const int projected = *shortcut;
        CNN_TRY(cnn_graph_append(builder, &norm, &projected, 1, ".batchnorm", shortcut, error));
    }
    return CNN_OK;
}

static cnn_status join(cnn_graph_builder *builder, const cnn_layer_spec *residual, int input,
                       int output, int *joined, cnn_error *error) {
    const cnn_shape to = *cnn_graph_shape(builder, output);
    int inputs[2] = {output, input};
    if (!cnn_shape_equal(&to, cnn_graph_shape(builder, input))) {
        CNN_TRY(project(builder, residual, input, &to, &inputs[1], error));
    }
    const cnn_layer_spec spec = {.ops = &cnn_layer_add};
    return cnn_graph_append(builder, &spec, inputs, 2, "", joined, error);
}

extern const cnn_layer_ops cnn_layer_residual;
const cnn_layer_ops cnn_layer_residual = {
    .name = "residual",
    .help = "adds its input to the output of its \"layers\" (a list), through a 1×1 convolution if "
            "the shapes differ",
    .prose = "Adds its input to the output of the layers in it (He et al. 2016). If channels, rows "
             "or columns differ, the input passes through a 1×1 convolution, the projection, which "
             "is trained, too. Its stride is the smallest that gives the output's rows and "
             "columns; it is an error if there is none. Residuals may be nested up to 4 deep. "
             "Their layers count towards the limit of 1024; each residual itself counts as two or, "
             "with a projection, three (with batchnorm in it, four). The key `layers` is the list "
             "of these layers. Their "
             "tensors have names such as `3.layers.0.weight`, `3.projection.weight` and "
             "`3.batchnorm.weight`.",
    .keys = keys,
    .join = join,
};
