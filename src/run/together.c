/* Training by several processes: the first one reads and writes the files of the run, and sends the
 * others what they must know. */
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "nn/slots.h"
#include "run/trainer.h"

#include <string.h>

bool cnn_trainer_writes(const cnn_trainer *t) {
    return cnn_rank_writes(&t->ranks);
}

cnn_status cnn_trainer_agree(cnn_trainer *t, cnn_status status, cnn_error *error) {
    return cnn_ranks_agree(&t->ranks, status, error);
}

/* --- the run directory --- */

static cnn_status open_directory(cnn_trainer *t, const cnn_config *config, cnn_run_end *end,
                                 cnn_error *error) {
    CNN_TRY(cnn_session_open(config, t->options, CNN_SESSION_RUN, cnn_run_mode_of(t->options),
                             &t->session, error));
    CNN_TRY(cnn_session_take_over(&t->session, &t->planned, error));
    CNN_TRY(cnn_session_look(&t->session, &t->planned, end, error));
    return *end == CNN_RUN_FINISHED ? CNN_OK : cnn_session_claim(&t->session, false, error);
}

/* For messages. */
static cnn_status name_directory(cnn_trainer *t, const cnn_config *config, cnn_error *error) {
    const char *path = t->options->output ? t->options->output : config->output;
    return path ? cnn_run_directory_name(path, &t->session.directory, error) : CNN_OK;
}

cnn_status cnn_trainer_open(cnn_trainer *t, const cnn_config *config, cnn_run_end *end,
                            cnn_error *error) {
    struct {
        cnn_run_end end;
        bool begun;
        int64_t epochs;
    } found = {0};
    cnn_status status = cnn_trainer_writes(t) ? open_directory(t, config, &found.end, error)
                                              : name_directory(t, config, error);
    CNN_TRY(cnn_trainer_agree(t, status, error));
    found.begun = t->session.begun;
    found.epochs = t->planned.train.epochs;
    cnn_ranks_broadcast(&t->ranks, 0, &found, sizeof found);
    *end = found.end;
    t->session.begun = found.begun;
    t->planned.train.epochs = found.epochs;
    return CNN_OK;
}

/* --- the start --- */

/* Brings the samples into the order that they have at the first process, which may have followed
 * images that have moved. rows: of its samples; index: room for as many as there are rows. */
static cnn_status follow_order(cnn_dataset *dataset, const size_t *rows, size_t *index,
                               cnn_error *error) {
    size_t *order = cnn_alloc(dataset->count, sizeof *order);
    if (!order) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < dataset->count; i++) {
        index[dataset->samples[i].row] = i;
    }
    for (size_t i = 0; i < dataset->count; i++) {
        order[i] = index[rows[i]];
    }
    cnn_status status = cnn_dataset_reorder(dataset, order, error);
    cnn_free(order);
    return status;
}

static cnn_status spread_order(cnn_trainer *t, cnn_error *error) {
    cnn_dataset *dataset = t->setup.dataset;
    size_t *rows = cnn_alloc(dataset->count, sizeof *rows);
    size_t *index = cnn_alloc(dataset->images.count, sizeof *index);
    cnn_status status = rows && index ? CNN_OK : cnn_fail_memory(error, "the list of images");
    status = cnn_trainer_agree(t, status, error);
    if (status == CNN_OK) {
        for (size_t i = 0; i < dataset->count; i++) {
            rows[i] = dataset->samples[i].row;
        }
        cnn_ranks_broadcast(&t->ranks, 0, rows, dataset->count * sizeof *rows);
        status = cnn_trainer_agree(t, follow_order(dataset, rows, index, error), error);
    }
    cnn_free(rows);
    cnn_free(index);
    return status;
}

cnn_status cnn_trainer_spread_start(cnn_trainer *t, cnn_error *error) {
    const cnn_checkpoint_values *values = &t->values;
    const struct {
        float *array;
        size_t count;
    } arrays[] = {{values->parameters, values->parameter_count},
                  {values->best_parameters, values->parameter_count},
                  {values->optimizer_state, values->state_count},
                  {values->average, values->average_count}};
    if (cnn_rank_count(&t->ranks) == 1) {
        return CNN_OK;
    }
    cnn_ranks_broadcast(&t->ranks, 0, &t->state, sizeof t->state);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        cnn_ranks_broadcast(&t->ranks, 0, arrays[i].array, arrays[i].count * sizeof(float));
    }
    return spread_order(t, error);
}

/* --- the division of work --- */

void cnn_trainer_warn_of_idle(const cnn_trainer *t) {
    size_t images = cnn_trainer_images(t), batch_size = (size_t)t->config->train.batch_size;
    size_t blocks = cnn_block_count(batch_size < images ? batch_size : images);
    size_t slots = cnn_slot_count(blocks), ranks = (size_t)cnn_rank_count(&t->ranks);
    if (slots < ranks) {
        cnn_log_message(&t->options->common.log, CNN_LOG_WARNING,
                        "%zu of %zu processes have nothing to compute: a batch of %zu images "
                        "(train.batch_size) is %zu block%s of %d images, and no block is divided",
                        ranks - slots, ranks, batch_size < images ? batch_size : images, blocks,
                        blocks == 1 ? "" : "s", CNN_LANES);
    }
}

/* --- the weights --- */

cnn_status cnn_trainer_compare_weights(cnn_trainer *t, cnn_error *error) {
    uint64_t own = cnn_xxh3_64(t->values.parameters, t->values.parameter_count * sizeof(float));
    uint64_t first = own;
    cnn_status status = CNN_OK;
    cnn_ranks_broadcast(&t->ranks, 0, &first, sizeof first);
    if (own != first) {
        status =
            cnn_fail(error, CNN_ERROR_RUNTIME,
                     "epoch %lld: the weights of process %d are not those of process 1: one of the "
                     "machines makes errors, or runs another version of the program",
                     (long long)t->state.epochs + 1, cnn_rank(&t->ranks) + 1);
    }
    return cnn_trainer_agree(t, status, error);
}
