#include "run/own_config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <string.h>
#include <sys/stat.h>

/* The largest config.json that is read. */
#define CONFIG_LIMIT ((size_t)16 << 20)

static cnn_status compare(const char *path, const cnn_config *config, bool *same,
                          cnn_error *error) {
    char *then = NULL;
    size_t size;
    cnn_status status = cnn_file_read(path, CONFIG_LIMIT, CNN_ERROR_RUNTIME, &then, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    char *now = cnn_config_to_json(config);
    /* class names that the data would add change the text, too, and epochs that are chosen */
    *same = now && config->data.classes[0] && !(config->train.minutes > 0.0) &&
            strlen(now) == size && memcmp(then, now, size) == 0;
    status = now ? CNN_OK : cnn_fail_memory(error, "the config");
    cnn_free(then);
    cnn_free(now);
    return status;
}

cnn_status cnn_own_config_check(const cnn_run_directory *directory, const cnn_config *config,
                                cnn_error *error) {
    const char *path = directory->file[CNN_RUN_CONFIG];
    struct stat about;
    bool same;
    if (!config->source.known || stat(path, &about) != 0 || about.st_dev != config->source.device ||
        about.st_ino != config->source.inode) {
        return CNN_OK;
    }
    CNN_TRY(compare(path, config, &same, error));
    return same ? CNN_OK
                : cnn_fail(error, CNN_ERROR_CONFIG,
                           "%s: is the config that was given, and this run would replace it with "
                           "another text (all keys, with the values of the command line); give a "
                           "copy from another folder, or use --out for another directory",
                           path);
}
