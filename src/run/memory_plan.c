#include "run/memory_plan.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/training_settings.h"
#include "samples/fetch.h"

#include <stdint.h>

cnn_memory_plan cnn_memory_plan_make(const cnn_config *config, const cnn_setup *setup) {
    const cnn_network *network = setup->network;
    const cnn_dataset *dataset = setup->dataset;
    cnn_optimizer optimizer = cnn_settings_optimizer(config);
    size_t copies = 2 + cnn_optimizer_state_size(&optimizer);                /* current and best */
    copies += config->train.ema_decay > 0.0 ? 1 : 0;                         /* average */
    copies += cnn_start_is_frozen(setup->start) ? 1 : 0;                     /* of last.bin */
    size_t written = setup->start ? setup->start->graph.parameter_count : 0; /* with all layers */
    size_t images = dataset->split_count[CNN_SPLIT_TRAIN];
    size_t batch_size = (size_t)config->train.batch_size;
    size_t batch = batch_size < images ? batch_size : images;
    size_t fetched = dataset->ranks ? cnn_fetch_memory(dataset, batch) : 0;
    return (cnn_memory_plan){
        .images =
            dataset->images.count / (size_t)cnn_rank_count(setup->ranks) * dataset->image_size,
        .parameters = (copies * network->parameter_count + written) * sizeof(float),
        .passes = cnn_minibatch_memory(network, batch, setup->threads, setup->ranks) + fetched,
    };
}

cnn_status cnn_memory_plan_check(const cnn_memory_plan *plan, int threads, cnn_error *error) {
    cnn_memory_state memory = cnn_memory_look();
    size_t left = memory.limit > memory.in_use ? memory.limit - memory.in_use : 0;
    if (plan->parameters <= left && plan->passes <= left - plan->parameters) {
        return CNN_OK;
    }
    char all[24], parameters[24], passes[24], in_use[24], limit[24];
    return cnn_fail(
        error, CNN_ERROR_RUNTIME,
        "the network needs %s (%s for parameters, %s for activations and gradients of %d %s) in "
        "addition to %s in use, of %s allowed (--max-memory); fewer filters, units or --threads "
        "need less",
        cnn_bytes_text((uint64_t)plan->parameters + plan->passes, all),
        cnn_bytes_text(plan->parameters, parameters), cnn_bytes_text(plan->passes, passes), threads,
        threads == 1 ? "thread" : "threads", cnn_bytes_text(memory.in_use, in_use),
        cnn_bytes_text(memory.limit, limit));
}
