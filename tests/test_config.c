/* Configs: defaults, every kind of error with its message, overrides, and writing them as JSON. */
#include "test_support.h"

#include "config/config.h"
#include "base/memory.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The smallest useful config: only what is required. */
static const char minimal[] = "{\n"
                              "  \"data\": {\"train\": \"images\"},\n"
                              "  \"image\": {\"width\": 12, \"height\": 12, \"channels\": 1},\n"
                              "  \"layers\": [\n"
                              "    {\"type\": \"conv\", \"filters\": 2, \"kernel\": 3},\n"
                              "    {\"type\": \"relu\"},\n"
                              "    {\"type\": \"maxpool\", \"size\": 2},\n"
                              "    {\"type\": \"flatten\"},\n"
                              "    {\"type\": \"dense\", \"units\": 1},\n"
                              "    {\"type\": \"sigmoid\"}\n"
                              "  ]\n"
                              "}\n";

static void write_config(const char *text, size_t size) {
    (void)unlink("cfg.json"); /* some file systems flush a file that is cut and written again */
    FILE *file = fopen("cfg.json", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The config of a text with overrides, which must be valid. */
static cnn_config *load(const char *text, const char *const *overrides, size_t count) {
    cnn_config *config = NULL;
    cnn_error error;
    write_config(text, strlen(text));
    test_ok(cnn_config_load("cfg.json", overrides, count, &config, &error), &error);
    assert_non_null(config);
    return config;
}

static void test_defaults(void **state) {
    (void)state;
    cnn_config *config = load(minimal, NULL, 0);
    assert_string_equal(config->data.train, "images");
    assert_null(config->data.validation.path);
    test_near("fraction", 0, config->data.validation.fraction, 0.1, 0.0);
    assert_null(config->data.test);
    assert_null(config->data.classes[0]);
    assert_null(config->data.classes[1]);
    assert_int_equal(config->data.bad_images, CNN_BAD_IMAGES_FAIL);
    assert_int_equal(config->image.width, 12);
    assert_int_equal(config->image.height, 12);
    assert_int_equal(config->image.channels, 1);
    assert_int_equal(config->image.resize, CNN_RESIZE_STRETCH);
    assert_int_equal(config->normalize, CNN_NORMALIZE_UNIT);
    assert_int_equal(config->train.epochs, 10);
    assert_int_equal(config->train.batch_size, 32);
    assert_int_equal(config->train.optimizer.kind, CNN_OPTIMIZER_SGD);
    test_near("learning_rate", 0, config->train.schedule.rate, 0.01, 0.0);
    test_near("momentum", 0, config->train.optimizer.momentum, 0.9, 0.0);
    assert_true(config->train.shuffle);
    assert_int_equal(config->train.seed, 1);
    assert_null(config->output);
    assert_int_equal(config->network.layer_count, 6);
    const cnn_layer_spec *layers = config->network.layers;
    assert_string_equal(layers[0].ops->name, "conv");
    assert_string_equal(layers[5].ops->name, "sigmoid");
    /* conv: filters, kernel, stride 1, padding valid; maxpool: stride as size */
    assert_int_equal(layers[0].value[0], 2);
    assert_int_equal(layers[0].value[1], 3);
    assert_int_equal(layers[0].value[2], 1);
    assert_int_equal(layers[0].value[3], 0);
    assert_int_equal(layers[2].value[0], 2);
    assert_int_equal(layers[2].value[1], 2);
    cnn_config_free(config);
}

/* One thing wrong: `find` in the minimal config becomes `replace` (no find: that is the whole
 * text), or an override is added. The message must be exactly this one, or start with it where it
 * ends in "*". */
typedef struct broken {
    const char *find, *replace, *override, *message;
} broken;

static const broken broken_configs[] = {
    /* keys */
    {"\"kernel\": 3", "\"kernle\": 3", NULL,
     "cfg.json: layers[0]: unknown key \"kernle\"; did you mean \"kernel\"?"},
    {"\"filters\"", "\"Filters\"", NULL,
     "cfg.json: layers[0]: unknown key \"Filters\"; did you mean \"filters\"?"},
    {"\"train\": \"images\"", "\"trian\": \"images\"", NULL,
     "cfg.json: data: unknown key \"trian\"; did you mean \"train\"?"},
    {"\"layers\"", "\"layer\"", NULL, "cfg.json: unknown key \"layer\"; did you mean \"layers\"?"},
    {"\"relu\"", "\"rleu\"", NULL,
     "cfg.json: layers[1].type: unknown layer \"rleu\"; did you mean \"relu\"?"},
    {"\"type\": \"relu\"", "\"type\": \"relu\", \"slope\": 1", NULL,
     "cfg.json: layers[1]: unknown key \"slope\"; *"},
    {"\"data\"", "\"data\": {\"train\": \"b\"}, \"data\"", NULL,
     "cfg.json: key \"data\" is given twice"},
    {"\"width\"", "\"width\": 12, \"width\"", NULL,
     "cfg.json: image: key \"width\" is given twice"},
    {"\"kernel\"", "\"kernel\": 3, \"kernel\"", NULL,
     "cfg.json: layers[0]: key \"kernel\" is given twice"},
    {"\"type\": \"relu\"", "\"type\": \"relu\", \"type\": \"relu\"", NULL,
     "cfg.json: layers[1]: key \"type\" is given twice"},
    /* missing ones */
    {"\"train\": \"images\"", "", NULL, "cfg.json: data.train: missing; *"},
    {"\"data\": {\"train\": \"images\"},", "", NULL, "cfg.json: data.train: missing; *"},
    {"\"height\": 12, ", "", NULL, "cfg.json: image.height: missing; *"},
    {", \"kernel\": 3", "", NULL, "cfg.json: layers[0].kernel: missing; *"},
    {"\"type\": \"relu\"", "", NULL, "cfg.json: layers[1].type: missing; every layer needs a type"},
    /* types */
    {"{\"train\": \"images\"}", "[]", NULL,
     "cfg.json: data: expected an object { … }, got a list of 0"},
    {"\"images\"", "7", NULL, "cfg.json: data.train: expected a path, got 7"},
    {"\"images\"", "\"\"", NULL, "cfg.json: data.train: expected a path, got \"\""},
    {"\"width\": 12", "\"width\": \"12\"", NULL,
     "cfg.json: image.width: expected an integer from 1 to 4096, got \"12\""},
    {"\"width\": 12", "\"width\": null", NULL,
     "cfg.json: image.width: expected an integer from 1 to 4096, got null"},
    {"\"width\": 12", "\"width\": 12.5", NULL,
     "cfg.json: image.width: expected an integer from 1 to 4096, got 12.5"},
    {"\"width\": 12", "\"width\": true", NULL,
     "cfg.json: image.width: expected an integer from 1 to 4096, got true"},
    {"{\"type\": \"relu\"}", "\"relu\"", NULL,
     "cfg.json: layers[1]: expected an object such as {\"type\": \"relu\"}, got \"relu\""},
    {"\"type\": \"relu\"", "\"type\": 3", NULL,
     "cfg.json: layers[1].type: expected the name of a layer, got 3"},
    {NULL, NULL, "train.shuffle=1", "command line: train.shuffle: expected true or false, got 1"},
    {NULL, NULL, "output=5", "command line: output: expected a path, got 5"},
    /* ranges */
    {"\"kernel\": 3", "\"kernel\": 0", NULL,
     "cfg.json: layers[0].kernel: expected an integer from 1 to 31, got 0"},
    {"\"size\": 2", "\"size\": 0", NULL,
     "cfg.json: layers[2].size: expected an integer from 1 to *"},
    {"\"channels\": 1", "\"channels\": 2", NULL,
     "cfg.json: image.channels: expected 1 or 3, got 2"},
    {"\"width\": 12", "\"width\": 5000", NULL,
     "cfg.json: image.width: expected an integer from 1 to 4096, got 5000"},
    {NULL, NULL, "train.epochs=-1",
     "command line: train.epochs: expected an integer from 0 to 1000000, got -1"},
    {NULL, NULL, "train.batch_size=0",
     "command line: train.batch_size: expected an integer from 1 to 65536, got 0"},
    {NULL, NULL, "train.learning_rate=0",
     "command line: train.learning_rate: expected a number above 0 and up to 1000000, got 0"},
    {NULL, NULL, "train.learning_rate=1e999",
     "command line: train.learning_rate: expected a number above 0 and up to 1000000, got inf"},
    {NULL, NULL, "train.learning_rate=NaN",
     "command line: train.learning_rate: expected a number above 0 and up to 1000000, got \"NaN\""},
    {NULL, NULL, "train.momentum=1.5",
     "command line: train.momentum: expected a number from 0 to 1, got 1.5"},
    {NULL, NULL, "train.seed=9007199254740992",
     "command line: train.seed: expected an integer from 0 to 9007199254740991, got "
     "9007199254740992"},
    {NULL, NULL, "train.seed=0.5", "command line: train.seed: expected an integer from 0 to *"},
    {NULL, NULL, "data.validation=1",
     "command line: data.validation: expected a path or a share from 0 to below 1, got 1"},
    {NULL, NULL, "data.validation=-0.1",
     "command line: data.validation: expected a path or a share from 0 to below 1, got -0.1"},
    /* choices */
    {NULL, NULL, "train.optimizer=SGD",
     "command line: train.optimizer: expected \"sgd\" or \"momentum\" or \"adam\" or "
     "\"adamw\", got \"SGD\""},
    {NULL, NULL, "image.resize=2",
     "command line: image.resize: expected \"stretch\" or \"crop\" or \"letterbox\", got 2"},
    {NULL, NULL, "layers.0.padding=full",
     "command line: layers[0].padding: expected \"valid\" or \"same\" or \"same_upper\" or an "
     "integer from 0 to *"},
    {NULL, NULL, "data.classes=[\"cat\",\"cat\"]",
     "command line: data.classes: expected two different names in quotes, [\"negative\", "
     "\"positive\"], got a list of 2"},
    {NULL, NULL, "data.classes=[\"a\",\"b\",\"c\"]",
     "command line: data.classes: expected two different names in quotes, [\"negative\", "
     "\"positive\"], got a list of 3"},
    /* numbers or texts */
    {NULL, NULL, "train.threshold=1.5",
     "command line: train.threshold: expected a number from 0 to 1, or \"f1\", \"youden\", "
     "\"recall>=R\", \"precision>=P\" or \"cost fp=A fn=B\", got 1.5"},
    {NULL, NULL, "train.threshold=f2", "command line: train.threshold: expected a number from *"},
    {NULL, NULL, "train.threshold=[]", "command line: train.threshold: expected a number from *"},
    /* values that exclude each other */
    {NULL, NULL, "train={\"nesterov\":true,\"momentum\":0}",
     "command line: train.momentum: expected a number above 0 with train.nesterov, got 0"},
    {NULL, NULL, "train={\"schedule\":\"one_cycle\",\"warmup_epochs\":1.5}",
     "command line: train.warmup_epochs: expected 0 with train.schedule \"one_cycle\", which warms "
     "up "
     "by itself, got 1.5"},
    {"\"images\"", "\"images\", \"sampling\": \"balanced\"", "train.pos_weight=balanced",
     "command line: train.pos_weight: expected a number with data.sampling \"balanced\", which "
     "balances the classes already, got \"balanced\""},
    {NULL, NULL, "augment.saturation=0.5",
     "command line: augment.saturation: expected 0, since grey images (image.channels 1) have no "
     "colours, got 0.5"},
    /* layers that do not fit each other */
    {"    {\"type\": \"flatten\"},\n", "", NULL,
     "cfg.json: layers[3].type: expected flatten before dense (its input is 2×5×5)"},
    {"\"kernel\": 3", "\"kernel\": 13", NULL,
     "cfg.json: layers[0].kernel: expected at most 12 (its input is 12×12 with 0 of padding), got "
     "13"},
    {NULL, NULL, "layers.0.kernel=13",
     "command line: layers[0].kernel: expected at most 12 (its input is 12×12 with 0 of padding), "
     "got "
     "13"},
    {"\"size\": 2", "\"size\": 11", NULL,
     "cfg.json: layers[2].size: expected at most 10 (its input is 10×10), got 11"},
    {"\"units\": 1", "\"units\": 2", NULL,
     "cfg.json: layers[4].units: expected 1 in the last dense layer, got 2"},
    {"},\n    {\"type\": \"sigmoid\"}", "}", NULL,
     "cfg.json: layers[4].type: expected sigmoid as the last layer, got dense"},
    {"    {\"type\": \"dense\", \"units\": 1},\n", "", NULL,
     "cfg.json: layers[3].type: expected dense with 1 unit before the last sigmoid, got flatten"},
    {NULL, NULL, "layers=[]",
     "command line: layers: expected a list of 1 to 1024 layers, got a list of 0"},
    {NULL, NULL, "layers=3", "command line: layers: expected a list of 1 to 1024 layers, got 3"},
    /* JSON */
    {NULL, "", NULL, "cfg.json: line 1: expected valid JSON, found the end of the file"},
    {NULL, "[1]", NULL, "cfg.json: expected a JSON object { … }, got a list of 1"},
    {NULL, "{\n  \"data\": nan\n}", NULL,
     "cfg.json: line 2, column 11: expected valid JSON, found *"},
    {NULL, "{\n  \"data\" {}\n}", NULL,
     "cfg.json: line 2, column 10: expected valid JSON, found *"},
    {NULL, "{\"a\": 1,\n}", NULL,
     "cfg.json: line 2, column 1: expected valid JSON, found \"}\" after a comma"},
    {NULL, "{\"data\": {}", NULL,
     "cfg.json: line 1: expected valid JSON, found the end of the file"},
    {NULL, "{} x", NULL, "cfg.json: line 1, column 4: expected valid JSON, found \"x\""},
    {NULL, "{\"output\": \"\xff\"}", NULL, "cfg.json: expected UTF-8 text, found other bytes"},
    /* overrides */
    {NULL, NULL, "output=\xff", "command line: expected KEY=VALUE*"},
    {NULL, NULL, "train.epochs", "command line: expected KEY=VALUE*"},
    {NULL, NULL, "=3", "command line: expected KEY=VALUE*"},
    {NULL, NULL, "train..epochs=3",
     "command line: expected a key such as train.epochs, got \"train..epochs=3\""},
    {NULL, NULL, "train.epohcs=3",
     "command line: train: unknown key \"epohcs\"; did you mean \"epochs\"?"},
    {NULL, NULL, "layers.9.units=3", "command line: layers.9.units=3: there is no \"layers[9]\""},
    {NULL, NULL, "data.train.x=3",
     "command line: data.train.x=3: there is nothing inside \"data.train\" to set"},
    {NULL, NULL, "layers.first=3",
     "command line: layers.first=3: there is no \"layers.first\" to set"},
};

/* text with `find`, which must be in it, replaced. Free with free. */
static char *replaced(const char *text, const char *find, const char *replace) {
    const char *place = strstr(text, find);
    assert_non_null(place);
    size_t size = strlen(text) + strlen(replace) + 1;
    char *changed = malloc(size);
    assert_non_null(changed);
    (void)snprintf(changed, size, "%.*s%s%s", (int)(place - text), text, replace,
                   place + strlen(find));
    return changed;
}

/* 1 where loading does not fail with the message of `wrong`; says so. */
static int misses(const broken *wrong) {
    char *text = wrong->find      ? replaced(minimal, wrong->find, wrong->replace)
                 : wrong->replace ? replaced("x", "x", wrong->replace)
                                  : replaced("x", "x", minimal);
    write_config(text, strlen(text));
    free(text);
    cnn_config *config = NULL;
    cnn_error error = {0};
    cnn_status status =
        cnn_config_load("cfg.json", &wrong->override, wrong->override ? 1 : 0, &config, &error);
    size_t length = strlen(wrong->message);
    bool prefix = wrong->message[length - 1] == '*';
    bool same = prefix ? strncmp(error.message, wrong->message, length - 1) == 0
                       : strcmp(error.message, wrong->message) == 0;
    if (status == CNN_ERROR_CONFIG && error.status == status && !config && same) {
        return 0;
    }
    print_error("expected %s\n     got %s (status %d)\n", wrong->message, error.message,
                (int)status);
    cnn_config_free(config);
    return 1;
}

static void test_broken(void **state) {
    (void)state;
    int missed = 0;
    for (size_t i = 0; i < TEST_COUNT(broken_configs); i++) {
        missed += misses(&broken_configs[i]);
    }
    assert_int_equal(missed, 0);
}

static void test_missing_file(void **state) {
    (void)state;
    cnn_config *config;
    cnn_error error;
    assert_int_equal(cnn_config_load("nothing.json", NULL, 0, &config, &error), CNN_ERROR_CONFIG);
    assert_string_equal(error.message, "nothing.json: No such file or directory");
    assert_null(config);
    assert_int_equal(cnn_config_load(".", NULL, 0, &config, NULL), CNN_ERROR_CONFIG);
}

/* After a zero byte, too, only white space is allowed. */
static void test_zero_byte(void **state) {
    (void)state;
    char text[sizeof minimal + 8];
    memcpy(text, minimal, sizeof minimal); /* with its '\0' */
    memcpy(text + sizeof minimal, "garbage", 8);
    write_config(text, sizeof text - 1);
    cnn_config *config = NULL;
    cnn_status status = cnn_config_load("cfg.json", NULL, 0, &config, NULL);
    cnn_config_free(config);
    assert_int_equal(status, CNN_ERROR_CONFIG);
}

/* Every byte of a config changed in several ways: a config, or an error with a message; never a
 * crash. */
static void test_changed_bytes(void **state) {
    (void)state;
    static const char changes[] = "\"{]:,0x-\\\x80";
    char text[sizeof minimal];
    memcpy(text, minimal, sizeof text);
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        for (const char *change = changes; *change; change++) {
            text[i] = *change;
            write_config(text, sizeof text - 1);
            cnn_config *config = NULL;
            cnn_error error = {0};
            cnn_status status = cnn_config_load("cfg.json", NULL, 0, &config, &error);
            if (status == CNN_OK ? !config : status != CNN_ERROR_CONFIG || !error.message[0]) {
                fail_msg("byte %zu as %c: status %d, %s", i, *change, (int)status, error.message);
            }
            cnn_config_free(config);
        }
        text[i] = minimal[i];
    }
}

/* Text that opens more than it can close ends with a message, not with the stack. */
static void test_nesting(void **state) {
    (void)state;
    enum { DEPTH = 1000000 };
    static const char *const openings[] = {"[", "{\"data\":", "[{\"a\":["};
    for (size_t i = 0; i < TEST_COUNT(openings); i++) {
        size_t length = strlen(openings[i]);
        char *text = malloc(DEPTH * length);
        assert_non_null(text);
        for (size_t k = 0; k < DEPTH; k++) {
            memcpy(text + k * length, openings[i], length);
        }
        write_config(text, DEPTH * length);
        free(text);
        cnn_config *config = NULL;
        cnn_error error;
        assert_int_equal(cnn_config_load("cfg.json", NULL, 0, &config, &error), CNN_ERROR_CONFIG);
        assert_string_not_equal(error.message, "");
    }
}

/* A layer of very many keys is refused at the first that is unknown, and one of very many that are
 * the same at the second. */
static void test_many_keys(void **state) {
    (void)state;
    enum { KEYS = 200000, SIZE = 12 };
    static const char *const formats[] = {"\"k%06d\":1,", "\"units\":%03d,"};
    for (size_t i = 0; i < TEST_COUNT(formats); i++) {
        char *text = malloc(KEYS * SIZE + 1);
        assert_non_null(text);
        size_t used = 0;
        for (int k = 0; k < KEYS; k++) {
            used += (size_t)snprintf(text + used, SIZE + 1, formats[i], i == 0 ? k : 1);
        }
        char *changed = replaced(minimal, "\"units\": 1", text);
        /* the last comma is before a closing brace */
        char *comma = strstr(changed, ",}");
        assert_non_null(comma);
        *comma = ' ';
        write_config(changed, strlen(changed));
        free(changed);
        free(text);
        cnn_config *config = NULL;
        cnn_error error;
        (void)alarm(20);
        assert_int_equal(cnn_config_load("cfg.json", NULL, 0, &config, &error), CNN_ERROR_CONFIG);
        (void)alarm(0);
        assert_non_null(
            strstr(error.message, i == 0 ? "unknown key \"k000000\"" : "is given twice"));
    }
}

static void test_overrides(void **state) {
    (void)state;
    const char *overrides[] = {
        "layers.0.filters=32",      "layers.0.padding=same", "train.epochs=3",
        "train.epochs=4",           "data.train=a b/c=d",    "data.classes=[\"no\",\"yes\"]",
        "data.validation=held",     "train.shuffle=false",   "output=\"7\"",
        "train.optimizer=momentum",
    };
    cnn_config *config = load(minimal, overrides, TEST_COUNT(overrides));
    assert_int_equal(config->network.layers[0].value[0], 32);
    assert_int_equal(config->train.epochs, 4); /* the last one wins */
    assert_string_equal(config->data.train, "a b/c=d");
    assert_string_equal(config->data.classes[0], "no");
    assert_string_equal(config->data.classes[1], "yes");
    assert_string_equal(config->data.validation.path, "held");
    assert_false(config->train.shuffle);
    assert_string_equal(config->output, "7");
    assert_int_equal(config->train.optimizer.kind, CNN_OPTIMIZER_MOMENTUM);
    cnn_config_free(config);
}

/* JSON of the minimal config with an override (or none). Free with cnn_free. */
static char *json_of(const char *override) {
    cnn_config *config = load(minimal, &override, override ? 1 : 0);
    char *json = cnn_config_to_json(config);
    assert_non_null(json);
    cnn_config_free(config);
    return json;
}

static void test_fixed_point(void **state) {
    (void)state;
    static const char *const overrides[] = {
        NULL,
        "train.learning_rate=0.1",
        "train.learning_rate=3.3333333333333335e-05",
        "train.seed=9007199254740991",
        "data.validation=0.30000000000000004",
        "data.validation=other \\\"folder\\\"",
        "data.classes=[\"Ä\",\"\\u0001\"]",
        "layers.0.padding=same",
        "layers.0.padding=2",
        "layers.2.stride=1",
        "output=run",
    };
    for (size_t i = 0; i < TEST_COUNT(overrides); i++) {
        char *first = json_of(overrides[i]);
        cnn_config *config = load(first, NULL, 0);
        char *second = cnn_config_to_json(config);
        assert_string_equal(first, second);
        cnn_config_free(config);
        cnn_free(first);
        cnn_free(second);
    }
}

/* The difference starts with a text, or holds it; NULL: there is none. */
static void differs(const char *started, const char *now, const char *wanted) {
    char difference[256];
    cnn_error error;
    assert_int_equal(cnn_config_difference(started, now, difference, &error), CNN_OK);
    if (wanted) {
        assert_non_null(strstr(difference, wanted));
    } else {
        assert_string_equal(difference, "");
    }
}

/* A config that is not JSON is damage to the file that holds it, not a lack of memory. */
static void test_difference_of_damaged(void **state) {
    (void)state;
    static const char *const damaged[] = {"", "{", "tr{", "[1]", "\"x\"", "{\"data\":1}}"};
    char *now = json_of(NULL);
    char difference[256];
    cnn_error error;
    for (size_t i = 0; i < TEST_COUNT(damaged); i++) {
        assert_int_equal(cnn_config_difference(damaged[i], now, difference, &error),
                         CNN_ERROR_MODEL);
        assert_string_equal(error.message, "expected a config as JSON, found other text");
    }
    cnn_free(now);
}

/* The number of epochs that a time budget chose is taken over, if there is a budget now, and if
 * more are allowed now. */
static void test_take_over(void **state) {
    (void)state;
    static const struct {
        const char *started;
        double minutes;
        int64_t epochs, wanted;
    } cases[] = {
        {"{\"train\": {\"epochs\": 37, \"minutes\": 2}}", 2, 150, 37},
        {"{\"train\": {\"epochs\": 37, \"minutes\": 2}}", 0.5, 38, 37},
        {"{\"train\": {\"epochs\": 37, \"minutes\": 2}}", 2, 20, 20},
        {"{\"train\": {\"epochs\": 37, \"minutes\": 2}}", 0, 150, 150},
        {"{\"train\": {\"epochs\": 37}}", 2, 150, 150},
        {"{\"train\": {\"minutes\": 2}}", 2, 150, 150},
        {"{}", 2, 150, 150},
    };
    cnn_error error;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_config now = {.train = {.epochs = cases[i].epochs, .minutes = cases[i].minutes}};
        test_ok(cnn_config_take_over(cases[i].started, &now, &error), &error);
        assert_int_equal(now.train.epochs, cases[i].wanted);
    }
    cnn_config now = {.train = {.epochs = 150, .minutes = 2}};
    assert_int_equal(cnn_config_take_over("{", &now, &error), CNN_ERROR_MODEL);
    assert_string_equal(error.message, "expected a config as JSON, found other text");
}

static void test_difference(void **state) {
    (void)state;
    static const struct {
        const char *override, *key;
    } cases[] = {
        {"train.epochs=77", NULL},
        {"train.minutes=3", NULL},
        {"output=elsewhere", NULL},
        {"train.seed=1", NULL}, /* as it is anyway */
        {"train.seed=2", "train.seed"},
        {"train.learning_rate=0.02", "train.learning_rate"},
        {"data.test=t", "data.test"},
        {"data.train=t", NULL}, /* the images may have moved */
        {"data.validation=v", "data.validation: "},
        {"image.resize=crop", "image.resize"},
        {"layers.0.filters=3", "layers"},
    };
    char *plain = json_of(NULL);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char *changed = json_of(cases[i].override);
        differs(plain, changed, cases[i].key);
        differs(changed, plain, cases[i].key);
        cnn_free(changed);
    }
    char *started = json_of("data.validation=there");
    char *now = json_of("data.validation=here");
    differs(started, now, NULL); /* moved, too */
    cnn_free(started);
    cnn_free(now);
    started = json_of("data.test=there");
    now = json_of("data.test=here");
    differs(started, now, NULL);
    cnn_free(started);
    cnn_free(now);
    started = json_of("train.seed=1");
    now = json_of("train.seed=2");
    differs(started, now, "train.seed: 1, now 2");
    cnn_free(started);
    cnn_free(now);
    now = json_of("layers.0.filters=7");
    differs(plain, now, "layers[0]: {\"type\":\"conv\"");
    differs(plain, now, "now {\"type\":\"conv\",\"filters\":7,");
    cnn_free(now);
    /* the length of the run, where the schedule depends on it */
    started = json_of("train.schedule=cosine");
    now = json_of("train={\"schedule\":\"cosine\",\"epochs\":11}");
    differs(started, now, "train.epochs: 10, now 11");
    cnn_free(started);
    cnn_free(now);
    started = json_of("train.schedule=step");
    now = json_of("train={\"schedule\":\"step\",\"epochs\":11,\"checkpoint_seconds\":1}");
    differs(started, now, NULL);
    cnn_free(started);
    cnn_free(now);
    /* classes that were left to the data may be named later, but not the other way round */
    char *named = json_of("data.classes=[\"a\",\"b\"]");
    differs(named, plain, NULL);
    differs(plain, named, "data.classes: none, now [");
    cnn_free(named);
    cnn_free(plain);
}

/* A cross-validation has no use for validation and test images of its own. */
static void test_folds(void **state) {
    (void)state;
    static const struct {
        const char *override, *message;
    } cases[] = {
        {"data.validation=0.2", NULL},
        {"data.validation=held", "data.validation: expected a share with --folds, which divides "
                                 "data.train, got \"held\""},
        {"data.test=t",
         "data.test: expected none with --folds, which tests on data.train, got \"t\""},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_config *config = load(minimal, &cases[i].override, 1);
        cnn_error error;
        const cnn_status status = cnn_config_check_folds(config, &error);
        assert_int_equal(status, cases[i].message ? CNN_ERROR_CONFIG : CNN_OK);
        if (cases[i].message) {
            assert_string_equal(error.message, cases[i].message);
        }
        cnn_config_free(config);
    }
}

/* Every key of the help is a property in the schema: keys by path, those of layers anywhere. */
static void test_schema(void **state) {
    (void)state;
    char *text = cnn_config_schema();
    char *help = cnn_config_help();
    assert_non_null(text);
    assert_non_null(help);
    cJSON *schema = cJSON_Parse(text);
    assert_non_null(schema);
    size_t keys = 0;
    for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n")) {
        char key[64], quoted[72];
        if (strstr(line, "  (") && sscanf(line, "    %63[a-z0-9_]  (", key) == 1 &&
            line[2] == ' ') {
            (void)snprintf(quoted, sizeof quoted, "\"%s\":", key);
            assert_non_null(strstr(text, quoted));
        } else if (strstr(line, "  (") && sscanf(line, "  %63[a-z0-9_.]  (", key) == 1) {
            const cJSON *place = schema;
            char *rest;
            for (char *part = strtok_r(key, ".", &rest); part; part = strtok_r(NULL, ".", &rest)) {
                place = cJSON_GetObjectItemCaseSensitive(place, "properties");
                place = cJSON_GetObjectItemCaseSensitive(place, part);
            }
            assert_non_null(place);
            keys++;
        }
    }
    assert_in_range(keys, 15, 100);
    cJSON_Delete(schema);
    cnn_text_release(help);
    cnn_text_release(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_fixed_point),
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_difference_of_damaged),
        cmocka_unit_test(test_take_over),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_folds),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
