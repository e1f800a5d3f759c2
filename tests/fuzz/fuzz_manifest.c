/* Manifests: the first byte says whether splits are allowed and whether the classes are known;
 * the others are the file. */
#include "fuzz.h"
#include "samples/manifest.h"

#include "base/memory.h"

static const cnn_status allowed[] = {CNN_ERROR_DATA, CNN_OK};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SPLITS_ALLOWED = 1, CLASSES_KNOWN = 2 };
    if (size == 0) {
        return 0;
    }
    const char *path = fuzz_file(data + 1, size - 1);
    char *classes[2] = {0};
    if (data[0] & CLASSES_KNOWN) {
        classes[0] = cnn_copy_string("no");
        classes[1] = cnn_copy_string("yes");
    }
    cnn_sample_list list = {0};
    cnn_error error;
    const cnn_list_source source = {.path = path,
                                    .split = CNN_SPLIT_TRAIN,
                                    .splits_allowed = data[0] & SPLITS_ALLOWED,
                                    .threads = 1};
    cnn_status status = cnn_sample_list_read_manifest(&source, classes, &list, &error);
    fuzz_check(status, &error, allowed);
    for (size_t i = 0; i < list.count && status == CNN_OK; i++) {
        const cnn_sample *sample = &list.samples[i];
        if (!sample->path[0] || sample->label < 0 || sample->label > 1 ||
            sample->split >= CNN_SPLIT_COUNT || (sample->group && !sample->group[0])) {
            fuzz_fail("a sample that no run can use");
        }
    }
    cnn_sample_list_free(&list);
    cnn_free(classes[0]);
    cnn_free(classes[1]);
    return 0;
}
