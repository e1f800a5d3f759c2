#include "nn/run.h"

static float *at(const cnn_run *run, size_t offset) {
    return offset == CNN_NOWHERE ? NULL : run->workspace + offset;
}

cnn_pass cnn_run_pass(const cnn_run *run, const cnn_instruction *instruction) {
    size_t parameters = instruction->layer.node->parameter_offset;
    return (cnn_pass){
        .parameters = run->parameters + parameters,
        .x = {at(run, instruction->x[0]), at(run, instruction->x[1])},
        .y = at(run, instruction->y),
        .dy = at(run, instruction->dy),
        .dx = {at(run, instruction->dx[0]), at(run, instruction->dx[1])},
        .kept = run->workspace + instruction->kept,
        .work = run->workspace + run->plan->work_offset,
        .gradients = run->gradients ? run->gradients + parameters : NULL,
        .count = run->count,
        .shared = run->shared ? run->shared + instruction->shared : NULL,
        .sums = run->sums,
    };
}

void cnn_run_forward(const cnn_run *run, int first, int last) {
    for (int i = first; i < last; i++) {
        const cnn_instruction *instruction = &run->plan->instructions[i];
        if (instruction->forward) {
            const cnn_pass pass = cnn_run_pass(run, instruction);
            instruction->forward(&instruction->layer, &pass);
        }
    }
}

void cnn_run_backward(const cnn_run *run, int first, int last) {
    for (int i = last - 1; i >= first; i--) {
        const cnn_instruction *instruction = &run->plan->instructions[i];
        if (instruction->backward) {
            const cnn_pass pass = cnn_run_pass(run, instruction);
            instruction->backward(&instruction->layer, &pass);
        }
    }
}
