/* Reads a sweep file, and checks all that can be checked without a config. */
#include "config/sweep.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "config/reader.h"

#include <math.h>
#include <string.h>

/* Integers up to here are exact in double. */
#define INTEGER_MAX 9007199254740991.0

static const char *const settings[] = {"grid", "random", "runs", "seed", "seeds", "halving", NULL};

/* --- the text of values --- */

/* Can the value be written as it was read? Infinite numbers and deep nesting cannot. */
static bool is_plain(const cJSON *item, int depth) {
    if (cJSON_IsNumber(item)) {
        return isfinite(item->valuedouble);
    }
    bool nested = cJSON_IsArray(item) || cJSON_IsObject(item);
    for (const cJSON *child = nested ? item->child : NULL; child; child = child->next) {
        if (depth >= CNN_JSON_DEPTH_MAX - 1 || !is_plain(child, depth + 1)) {
            return false;
        }
    }
    return true;
}

static cnn_status read_value(const cnn_reader *reader, const char *place, const cJSON *item,
                             char **value) {
    cnn_text text = {0};
    if (!is_plain(item, 0)) {
        return cnn_reader_expected(reader, place,
                                   "a finite number, or a value that is not nested "
                                   "deeply",
                                   item);
    }
    cnn_json_item(&text, item);
    if (text.failed) {
        cnn_text_free(&text);
        return cnn_fail_memory(reader->error, place);
    }
    *value = text.data; /* cnn_text_free frees nothing else */
    return CNN_OK;
}

/* Reads a list of different values into the key. */
static cnn_status read_values(const cnn_reader *reader, const char *place, const cJSON *list,
                              cnn_sweep_key *key) {
    int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (count < 1 || count > CNN_SWEEP_MEMBERS_MAX) {
        return cnn_reader_expected(reader, place, "a list of 1 to 9999 values", list);
    }
    key->values = cnn_alloc((size_t)count, sizeof *key->values);
    if (!key->values) {
        return cnn_fail_memory(reader->error, place);
    }
    for (const cJSON *item = list->child; item; item = item->next) {
        char at[CNN_CONFIG_PLACE_SIZE];
        int i = key->value_count;
        cnn_reader_place(at, "%.200s[%d]", place, i);
        CNN_TRY(read_value(reader, at, item, &key->values[i]));
        key->value_count++;
        for (int other = 0; other < i; other++) {
            if (strcmp(key->values[other], key->values[i]) == 0) {
                return cnn_reader_fail(reader, at, "value %.80s is given twice", key->values[i]);
            }
        }
    }
    return CNN_OK;
}

/* --- numbers --- */

static cnn_status read_integer(const cnn_reader *reader, const char *place, const cJSON *item,
                               double low, double high, double *number) {
    *number = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    if (*number >= low && *number <= high && floor(*number) >= *number) {
        return CNN_OK;
    }
    cnn_text expected = {0};
    cnn_text_format(&expected, "an integer from %.0f to %.0f", low, high);
    cnn_status status = expected.failed ? cnn_fail_memory(reader->error, place)
                                        : cnn_reader_expected(reader, place, expected.data, item);
    cnn_text_free(&expected);
    return status;
}

/* The two ends of an interval. */
static cnn_status read_ends(const cnn_reader *reader, const char *place, const cJSON *list,
                            cnn_sweep_key *key) {
    static const char *const expected[] = {
        [CNN_SWEEP_UNIFORM] = "two numbers [LOW, HIGH], the first one less",
        [CNN_SWEEP_LOG_UNIFORM] = "two numbers above 0, [LOW, HIGH], the first one less",
        [CNN_SWEEP_INTEGER] = "two integers [LOW, HIGH], the first one less",
    };
    const cJSON *first = cJSON_GetArrayItem(list, 0);
    const cJSON *second = cJSON_GetArrayItem(list, 1);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 2 || !cJSON_IsNumber(first) ||
        !cJSON_IsNumber(second)) {
        return cnn_reader_expected(reader, place, expected[key->kind], list);
    }
    key->low = first->valuedouble;
    key->high = second->valuedouble;
    bool whole = floor(key->low) >= key->low && floor(key->high) >= key->high &&
                 fabs(key->low) <= INTEGER_MAX && fabs(key->high) <= INTEGER_MAX;
    bool right = isfinite(key->low) && isfinite(key->high) && isfinite(key->high - key->low) &&
                 key->low < key->high && (key->kind != CNN_SWEEP_LOG_UNIFORM || key->low > 0.0) &&
                 (key->kind != CNN_SWEEP_INTEGER || (whole && key->high - key->low < INTEGER_MAX));
    return right ? CNN_OK
                 : cnn_reader_fail(reader, place, "expected %s, got [%g, %g]", expected[key->kind],
                                   key->low, key->high);
}

/* --- keys --- */

/* {"log_uniform": [1e-4, 1e-1]} */
static cnn_status read_distribution(const cnn_reader *reader, const char *place, const cJSON *json,
                                    cnn_sweep_key *key) {
    static const char *const names[] = {"uniform", "log_uniform", "integer", "choice", NULL};
    static const cnn_sweep_kind kinds[] = {CNN_SWEEP_UNIFORM, CNN_SWEEP_LOG_UNIFORM,
                                           CNN_SWEEP_INTEGER, CNN_SWEEP_CHOICE};
    const cJSON *only = cJSON_IsObject(json) ? json->child : NULL;
    if (!only || only->next) {
        return cnn_reader_expected(
            reader, place,
            "one of {\"uniform\": [LOW, HIGH]}, {\"log_uniform\": [LOW, HIGH]}, {\"integer\": "
            "[LOW, HIGH]} and {\"choice\": [VALUE, …]}",
            json);
    }
    for (int i = 0; names[i]; i++) {
        if (strcmp(only->string, names[i]) == 0) {
            char at[CNN_CONFIG_PLACE_SIZE];
            cnn_reader_place(at, "%.200s.%s", place, names[i]);
            key->kind = kinds[i];
            return key->kind == CNN_SWEEP_CHOICE ? read_values(reader, at, only, key)
                                                 : read_ends(reader, at, only, key);
        }
    }
    return cnn_reader_unknown(reader, place, "distribution", only->string, names);
}

/* Is `outer` the path of something that contains `inner`, or the same? */
static bool contains(const char *outer, const char *inner) {
    size_t length = strlen(outer);
    return strncmp(outer, inner, length) == 0 && (inner[length] == '\0' || inner[length] == '.');
}

/* Checks a name against those before it, which are set first. */
static cnn_status check_name(const cnn_reader *reader, const char *place, const cnn_sweep *sweep,
                             const char *name) {
    if (!*name || strchr(name, '=')) {
        return cnn_reader_fail(reader, place, "expected a key such as train.epochs, got \"%.100s\"",
                               name);
    }
    for (int i = 0; i < sweep->key_count; i++) {
        const char *before = sweep->keys[i].name;
        if (strcmp(name, before) == 0) {
            return cnn_reader_fail(reader, place, "key \"%.100s\" is given twice", name);
        }
        if (contains(name, before)) {
            return cnn_reader_fail(reader, place,
                                   "\"%.100s\" would replace \"%.100s\", which is before it; put "
                                   "it first",
                                   name, before);
        }
    }
    return CNN_OK;
}

/* Adds a key without values. */
static cnn_status add_key(const cnn_reader *reader, const char *place, const char *name,
                          cnn_sweep *sweep, cnn_sweep_key **key) {
    CNN_TRY(check_name(reader, place, sweep, name));
    if (sweep->key_count == CNN_SWEEP_KEYS_MAX) {
        return cnn_reader_fail(reader, place, "expected at most %d keys, got more",
                               CNN_SWEEP_KEYS_MAX);
    }
    *key = &sweep->keys[sweep->key_count];
    (*key)->name = cnn_copy_string(name);
    if (!(*key)->name) {
        return cnn_fail_memory(reader->error, place);
    }
    sweep->key_count++;
    return CNN_OK;
}

/* Reads "grid" or "random": an object with an entry for each key. */
static cnn_status read_keys(const cnn_reader *reader, const char *setting, const cJSON *json,
                            cnn_sweep *sweep) {
    if (!cJSON_IsObject(json) || !json->child) {
        return cnn_reader_expected(reader, setting, "an object { \"KEY\": … }", json);
    }
    for (const cJSON *item = json->child; item; item = item->next) {
        char place[CNN_CONFIG_PLACE_SIZE];
        cnn_sweep_key *key;
        CNN_TRY(add_key(reader, setting, item->string, sweep, &key));
        cnn_reader_place(place, "%s.%.150s", setting, item->string);
        CNN_TRY(sweep->random ? read_distribution(reader, place, item, key)
                              : read_values(reader, place, item, key));
    }
    return CNN_OK;
}

/* --- the whole --- */

/* Settings that exist, each once. A key of a config outside "grid" is a mistake that people make.
 */
static cnn_status check_settings(const cnn_reader *reader, const cJSON *root) {
    for (const cJSON *item = root->child; item; item = item->next) {
        bool known = false;
        for (int i = 0; settings[i]; i++) {
            known = known || strcmp(item->string, settings[i]) == 0;
        }
        if (!known && strchr(item->string, '.')) {
            return cnn_reader_fail(reader, "",
                                   "unknown setting \"%.100s\"; keys of the config are expected "
                                   "inside \"grid\" or \"random\"",
                                   item->string);
        }
        if (!known) {
            return cnn_reader_unknown(reader, "", "setting", item->string, settings);
        }
    }
    return cnn_reader_check_names(reader, "", root, settings); /* twice? */
}

static const cJSON *setting_of(const cJSON *root, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(root, name);
}

/* Checks which settings are given together. */
static cnn_status check_together(const cnn_reader *reader, const cJSON *root) {
    bool grid = setting_of(root, "grid"), random = setting_of(root, "random");
    const char *of_random[] = {"runs", "seed"};
    if (grid && random) {
        return cnn_reader_fail(reader, "", "expected one of \"grid\" and \"random\", got both");
    }
    if (!grid && !random && !setting_of(root, "seeds")) {
        return cnn_reader_fail(reader, "", "expected \"grid\", \"random\" or \"seeds\"");
    }
    for (int i = 0; i < 2 && !random; i++) {
        if (setting_of(root, of_random[i])) {
            return cnn_reader_fail(reader, of_random[i], "expected \"random\" as well");
        }
    }
    return random && !setting_of(root, "runs")
               ? cnn_reader_fail(reader, "runs", "missing; the number of combinations to draw")
               : CNN_OK;
}

/* The number of combinations. */
static cnn_status read_points(const cnn_reader *reader, const cJSON *root, cnn_sweep *sweep) {
    double runs = 1.0, seed = 1.0;
    if (sweep->random) {
        CNN_TRY(read_integer(reader, "runs", setting_of(root, "runs"), 1.0, CNN_SWEEP_MEMBERS_MAX,
                             &runs));
        const cJSON *json = setting_of(root, "seed");
        if (json) {
            CNN_TRY(read_integer(reader, "seed", json, 0.0, INTEGER_MAX, &seed));
        }
    }
    for (int i = 0; !sweep->random && i < sweep->key_count; i++) {
        runs *= sweep->keys[i].value_count; /* at most 9999^24 */
    }
    sweep->seed = (uint64_t)seed;
    sweep->points = runs <= CNN_SWEEP_MEMBERS_MAX ? (int)runs : CNN_SWEEP_MEMBERS_MAX + 1;
    return CNN_OK;
}

/* "seeds" is a list of values of train.seed. */
static cnn_status read_seeds(const cnn_reader *reader, const cJSON *json, cnn_sweep *sweep) {
    cnn_sweep_key *key;
    CNN_TRY(add_key(reader, "seeds", "train.seed", sweep, &key));
    CNN_TRY(read_values(reader, "seeds", json, key));
    sweep->seeds = key->value_count;
    return CNN_OK;
}

static cnn_status read_halving(const cnn_reader *reader, const cJSON *json,
                               cnn_sweep_halving *halving) {
    static const char *const names[] = {"epochs", "factor", NULL};
    double epochs, factor = 3.0;
    if (!cJSON_IsObject(json)) {
        return cnn_reader_expected(reader, "halving", "an object { \"epochs\": …, \"factor\": … }",
                                   json);
    }
    for (const cJSON *item = json->child; item; item = item->next) {
        if (strcmp(item->string, names[0]) != 0 && strcmp(item->string, names[1]) != 0) {
            return cnn_reader_unknown(reader, "halving", "setting", item->string, names);
        }
    }
    CNN_TRY(cnn_reader_check_names(reader, "halving", json, names));
    if (!setting_of(json, "epochs")) {
        return cnn_reader_fail(reader, "halving.epochs",
                               "missing; the epochs after which runs are compared first");
    }
    CNN_TRY(read_integer(reader, "halving.epochs", setting_of(json, "epochs"), 1.0, 1e6, &epochs));
    const cJSON *given = setting_of(json, "factor");
    if (given) {
        CNN_TRY(read_integer(reader, "halving.factor", given, 2.0, 100.0, &factor));
    }
    *halving = (cnn_sweep_halving){.epochs = (int64_t)epochs, .factor = (int64_t)factor};
    return CNN_OK;
}

static cnn_status read_sweep(const cnn_reader *reader, const cJSON *root, cnn_sweep *sweep) {
    const cJSON *grid = setting_of(root, "grid"), *random = setting_of(root, "random");
    const cJSON *seeds = setting_of(root, "seeds"), *halving = setting_of(root, "halving");
    CNN_TRY(check_settings(reader, root));
    CNN_TRY(check_together(reader, root));
    sweep->random = random != NULL;
    sweep->seeds = 1;
    if (grid || random) {
        CNN_TRY(read_keys(reader, random ? "random" : "grid", random ? random : grid, sweep));
    }
    CNN_TRY(read_points(reader, root, sweep));
    if (seeds) {
        CNN_TRY(read_seeds(reader, seeds, sweep));
    }
    if (halving) {
        CNN_TRY(read_halving(reader, halving, &sweep->halving));
    }
    if (sweep->points > CNN_SWEEP_MEMBERS_MAX / sweep->seeds) {
        return cnn_reader_fail(reader, "", "expected at most %d runs, got more",
                               CNN_SWEEP_MEMBERS_MAX);
    }
    sweep->members = sweep->points * sweep->seeds;
    return CNN_OK;
}

cnn_status cnn_sweep_parse(const char *name, const char *text, size_t size, cnn_sweep **out,
                           cnn_error *error) {
    *out = NULL;
    const cnn_reader reader = {.file = name, .error = error};
    cJSON *root = NULL;
    cnn_sweep *sweep = cnn_alloc(1, sizeof *sweep);
    if (sweep) {
        sweep->keys = cnn_alloc(CNN_SWEEP_KEYS_MAX, sizeof *sweep->keys);
        sweep->text = cnn_copy_string(text);
    }
    cnn_status status = sweep && sweep->keys && sweep->text
                            ? cnn_reader_parse(&reader, text, size, &root)
                            : cnn_fail_memory(error, "the sweep");
    if (status == CNN_OK) {
        status = read_sweep(&reader, root, sweep);
    }
    cJSON_Delete(root);
    if (status == CNN_OK) {
        *out = sweep;
    } else {
        cnn_sweep_free(sweep);
    }
    return status;
}

cnn_status cnn_sweep_load(const char *path, cnn_sweep **sweep, cnn_error *error) {
    char *text = NULL;
    size_t size;
    *sweep = NULL;
    cnn_status status =
        cnn_file_read(path, CNN_SWEEP_FILE_LIMIT, CNN_ERROR_CONFIG, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = cnn_sweep_parse(path, text, size, sweep, error);
    cnn_free(text);
    return status;
}

void cnn_sweep_free(cnn_sweep *sweep) {
    for (int i = 0; sweep && sweep->keys && i < sweep->key_count; i++) {
        cnn_sweep_key *key = &sweep->keys[i];
        for (int value = 0; value < key->value_count; value++) {
            cnn_free(key->values[value]);
        }
        cnn_free(key->values);
        cnn_free(key->name);
    }
    if (sweep) {
        cnn_free(sweep->keys);
        cnn_free(sweep->text);
    }
    cnn_free(sweep);
}
