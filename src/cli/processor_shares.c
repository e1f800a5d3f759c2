#include "cli/processor_shares.h"

#include "cnn/threads.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Names the system that runs, so that containers on one machine have the same name. */
static void name_machine(char *name, size_t size) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    bool known = file && fgets(name, (int)size, file);
    if (file) {
        (void)fclose(file);
    }
    if (!known && gethostname(name, size - 1) != 0) {
        name[0] = '\0';
    }
}

void cnn_site_find(cnn_site *site) {
    *site = (cnn_site){.threads = cnn_default_threads()};
    name_machine(site->machine, sizeof site->machine);
    if (sched_getaffinity(0, sizeof site->allowed, &site->allowed) != 0) {
        CPU_ZERO(&site->allowed); /* more processors than a cpu_set_t has */
    }
}

static bool together(const cnn_site *a, const cnn_site *b) {
    return strncmp(a->machine, b->machine, sizeof a->machine) == 0;
}

/* How many processes of its machine may run on a processor. */
static int count_rivals(const cnn_site *sites, int count, const cnn_site *own, int processor) {
    int rivals = 0;
    for (int i = 0; i < count; i++) {
        rivals += together(&sites[i], own) && CPU_ISSET((size_t)processor, &sites[i].allowed);
    }
    return rivals;
}

static cnn_share share_of(const cnn_site *sites, int count, const cnn_site *own) {
    cnn_share share = {0};
    for (int i = 0; i < count; i++) {
        share.here += together(&sites[i], own);
    }
    const int allowed = CPU_COUNT(&own->allowed);
    double processors = (double)own->threads / share.here;
    if (allowed > 0) {
        double divided = 0.0;
        for (int i = 0; i < CPU_SETSIZE; i++) {
            if (CPU_ISSET((size_t)i, &own->allowed)) {
                divided += 1.0 / count_rivals(sites, count, own, i);
            }
        }
        const bool has_quota = own->threads < allowed;
        processors = has_quota && processors < divided ? processors : divided;
    }
    share.threads = (int)(processors + 1e-6); /* three thirds are one */
    share.threads = share.threads > 0 ? share.threads : 1;
    return share;
}

void cnn_processors_divide(const cnn_site *sites, int count, cnn_share *shares) {
    for (int i = 0; i < count; i++) {
        shares[i] = share_of(sites, count, &sites[i]);
    }
}
