#include "samples/read.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "samples/arrays.h"
#include "samples/class_folders.h"
#include "samples/manifest.h"
#include "samples/shards.h"
#include "samples/split_folders.h"
#include "samples/webdataset.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The length of the path without one of the endings, each of 4 bytes, or 0 if it has none. */
static size_t stem(const char *path, const char *const *endings) {
    size_t length = strlen(path);
    for (; *endings; endings++) {
        if (length > 4 && strcasecmp(path + length - 4, *endings) == 0) {
            return length - 4;
        }
    }
    return 0;
}

size_t cnn_manifest_stem(const char *path) {
    static const char *const endings[] = {".csv", ".tsv", ".txt", NULL};
    return stem(path, endings);
}

size_t cnn_source_stem(const char *path) {
    static const char *const endings[] = {".csv", ".tsv", ".txt", ".tar", ".zip", ".npz", NULL};
    return stem(path, endings);
}

/* Replaces the paths that a manifest has in another Unicode form than the disk: list->samples from
 * `first` on. */
static cnn_status correct_paths(cnn_path_finder *finder, size_t first, cnn_sample_list *list,
                                cnn_error *error) {
    if (!finder) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = first; i < list->count; i++) {
        char *found;
        CNN_TRY(cnn_path_finder_find(finder, list->samples[i].path, &found, error));
        if (found) {
            cnn_free(list->samples[i].path);
            list->samples[i].path = found;
            list->other_forms++;
        }
    }
    return CNN_OK;
}

static cnn_status read_manifest(const cnn_list_source *source, char *classes[2],
                                cnn_sample_list *list, cnn_error *error) {
    const size_t first = list->count;
    CNN_TRY(cnn_sample_list_read_manifest(source, classes, list, error));
    cnn_path_finder *finder = cnn_path_finder_create();
    const cnn_status status = correct_paths(finder, first, list, error);
    cnn_path_finder_free(finder);
    return status;
}

/* Appends the samples of each split. */
static cnn_status read_splits(const cnn_list_source *source, const cnn_split_folders *splits,
                              char *classes[2], cnn_sample_list *list, cnn_error *error) {
    if (!source->splits_allowed) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: expected class folders, found splits, which only data.train can have; "
                        "name one of them, such as %s",
                        source->path, splits->path[CNN_SPLIT_TRAIN]);
    }
    for (int i = 0; i < CNN_SPLIT_COUNT; i++) {
        if (splits->path[i]) {
            cnn_list_source part = *source;
            part.path = splits->path[i];
            part.split = (cnn_split)i;
            CNN_TRY(cnn_sample_list_read_folder(&part, classes, list, error));
        }
    }
    return CNN_OK;
}

static cnn_status read_folder(const cnn_list_source *source, char *classes[2],
                              cnn_sample_list *list, cnn_error *error) {
    cnn_split_folders splits;
    cnn_status status =
        cnn_split_folders_find(source->tree, source->path, classes, source->log, &splits, error);
    if (status == CNN_OK) {
        status = splits.path[CNN_SPLIT_TRAIN]
                     ? read_splits(source, &splits, classes, list, error)
                     : cnn_sample_list_read_folder(source, classes, list, error);
    }
    cnn_split_folders_free(&splits);
    return status;
}

/* Goes down while the archive holds a single folder, as archives of a folder do: *path becomes that
 * folder. A split may be alone. */
static cnn_status enter_only_folder(const cnn_tree *tree, char **path, cnn_error *error) {
    for (bool only = true; only;) {
        cnn_file_list names;
        cnn_split split;
        CNN_TRY(cnn_tree_folders(tree, *path, &names, error));
        only = names.count == 1 && !cnn_split_from_word(names.paths[0], &split) &&
               !cnn_tree_has_files(tree, *path);
        char *inside = only ? cnn_path_join(*path, names.paths[0]) : NULL;
        cnn_file_list_free(&names);
        if (only) {
            cnn_free(*path);
            *path = inside;
        }
        if (!*path) {
            return cnn_fail_memory(error, "a path");
        }
    }
    return CNN_OK;
}

/* *path: a folder in the archive, whose path has `archive_length` bytes. If it is not there, but is
 * inside the single folder around the others, *path becomes that one. */
static cnn_status find_inside(const cnn_tree *tree, size_t archive_length, char **path,
                              cnn_error *error) {
    bool there;
    CNN_TRY(cnn_tree_look(tree, *path, &there, error));
    char *root = there ? NULL : cnn_copy_string(tree->archive.path);
    if (there || !root) {
        return there ? CNN_OK : cnn_fail_memory(error, "a path");
    }
    cnn_status status = enter_only_folder(tree, &root, error);
    char *inside = status == CNN_OK ? cnn_path_join(root, *path + archive_length + 1) : NULL;
    if (inside) {
        status = cnn_tree_look(tree, inside, &there, error);
    } else if (status == CNN_OK) {
        status = cnn_fail_memory(error, "a path");
    }
    if (there) {
        char *outer = *path;
        *path = inside;
        inside = outer;
    }
    cnn_free(inside);
    cnn_free(root);
    return status;
}

static cnn_status read_tree(const cnn_list_source *source, size_t archive_length,
                            const cnn_tree *tree, char **path, char *classes[2],
                            cnn_sample_list *list, cnn_error *error) {
    CNN_TRY(source->path[archive_length] ? find_inside(tree, archive_length, path, error)
                                         : enter_only_folder(tree, path, error));
    cnn_list_source part = *source;
    part.path = *path;
    part.tree = tree;
    return cnn_webdataset_is(tree, *path)
               ? cnn_sample_list_read_webdataset(&part, classes, list, error)
               : read_folder(&part, classes, list, error);
}

/* source->path: starts with the path of an archive. */
static cnn_status read_archive(const cnn_list_source *source, size_t archive_length,
                               char *classes[2], cnn_sample_list *list, cnn_error *error) {
    cnn_tree tree = {0};
    char *archive = cnn_copy_string(source->path), *path = cnn_copy_string(source->path);
    cnn_status status = archive && path ? CNN_OK : cnn_fail_memory(error, "a path");
    if (status == CNN_OK) {
        archive[archive_length] = '\0';
        status = cnn_tree_open(archive, source->log, &tree, error);
    }
    if (status == CNN_OK) {
        status = read_tree(source, archive_length, &tree, &path, classes, list, error);
    }
    cnn_tree_free(&tree);
    cnn_free(archive);
    cnn_free(path);
    return status;
}

/* source->path: as it is on disk. */
static cnn_status read_list(const cnn_list_source *source, char *classes[2], cnn_sample_list *list,
                            cnn_error *error) {
    bool is_folder, is_idx, are_shards;
    CNN_TRY(cnn_folder_look(source->path, CNN_ERROR_DATA, &is_folder, error));
    if (is_folder) {
        CNN_TRY(cnn_idx_folder_look(source->path, &is_idx, error));
        CNN_TRY(cnn_shards_look(source->path, &are_shards, error));
        return is_idx       ? cnn_sample_list_read_arrays(source, classes, list, error)
               : are_shards ? cnn_sample_list_read_shards(source, classes, list, error)
                            : read_folder(source, classes, list, error);
    }
    if (cnn_shards_is_pattern(source->path)) {
        return cnn_sample_list_read_shards(source, classes, list, error);
    }
    const char *decompressor = cnn_shard_decompressor(source->path);
    if (decompressor && access(source->path, F_OK) == 0) {
        return cnn_shard_refuse(source->path, decompressor, error);
    }
    size_t length;
    const cnn_container_kind kind = cnn_container_of(source->path, &length);
    if (kind != CNN_CONTAINER_NONE) {
        return kind == CNN_CONTAINER_ARCHIVE
                   ? read_archive(source, length, classes, list, error)
                   : cnn_sample_list_read_arrays(source, classes, list, error);
    }
    return cnn_manifest_stem(source->path) > 0
               ? read_manifest(source, classes, list, error)
               : cnn_sample_list_read_folder(source, classes, list, error);
}

cnn_status cnn_sample_list_read(const cnn_list_source *source, char *classes[2],
                                cnn_sample_list *list, cnn_error *error) {
    char *on_disk = cnn_copy_string(source->path);
    if (!on_disk) {
        return cnn_fail_memory(error, "the list of images");
    }
    cnn_status status = cnn_path_correct(&on_disk, error);
    if (status == CNN_OK) {
        cnn_list_source found = *source;
        found.path = on_disk;
        status = read_list(&found, classes, list, error);
    }
    cnn_free(on_disk);
    return status;
}
