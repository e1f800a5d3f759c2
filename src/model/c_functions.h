/* The functions of the C source of a model, as text: one for each kind of layer. */
#ifndef CNN_MODEL_C_FUNCTIONS_H
#define CNN_MODEL_C_FUNCTIONS_H

/* Values are float x[channels][height][width]. Each function is written only if a layer needs it.
 */
typedef struct cnn_c_function {
    const char *name;
    const char *needs; /* another one that has to be before it; NULL: none */
    const char *text;
} cnn_c_function;

/* In the order in which they can be written; ends with a row of NULLs. */
extern const cnn_c_function cnn_c_functions[];

#endif
