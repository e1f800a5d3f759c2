#include "model/c_self_test.h"

#include "model/golden.h"

cnn_status cnn_c_self_test_write(const cnn_model *model, const char *name, cnn_text *source,
                                 cnn_error *error) {
    cnn_golden_answer answer;
    CNN_TRY(cnn_golden_ask_drawn(model, NULL, &answer, error));
    cnn_text_format(
        source,
        "\n#ifdef %s_SELF_TEST\n"
        "#include <stdio.h>\n"
        "\n"
        "/* Compares the probability of some pixels with that of the program that wrote this. */\n"
        "int main(void) {\n"
        "    static uint8_t pixels[%s_HEIGHT * %s_WIDTH * %s_CHANNELS];\n"
        "    const float expected = %af;\n"
        "    uint32_t state = 1;\n"
        "    float found, difference;\n"
        "    unsigned long i;\n"
        "    for (i = 0; i < sizeof pixels; i++) {\n"
        "        state = state * 1664525u + 1013904223u;\n"
        "        pixels[i] = (uint8_t)(state >> 24);\n"
        "    }\n",
        name, name, name, name, (double)answer.probability);
    cnn_text_format(
        source,
        "    found = %s_predict(pixels);\n"
        "    difference = found < expected ? expected - found : found - expected;\n"
        "    printf(\"expected %%.7f, found %%.7f: %%s\\n\", (double)expected, (double)found,\n"
        "           difference <= 1e-5f ? \"ok\" : \"WRONG\");\n"
        "    return difference <= 1e-5f ? 0 : 1;\n"
        "}\n"
        "#endif\n",
        name);
    return CNN_OK;
}
