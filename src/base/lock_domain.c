#include "base/lock_domain.h"

#include "base/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cnn_host_name(char name[65]) {
    if (gethostname(name, 65) != 0) {
        name[0] = '\0';
    }
    name[64] = '\0';
    for (char *c = name; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || *c == '-' || *c == '.';
        *c = plain ? *c : '_';
    }
}

/* A kernel that has been started anew has another number, and so have two machines of one name. */
void cnn_lock_domain(const char *folder, char name[80]) {
    char kernel[37] = "";
    struct stat about;
    uint64_t number = 0;
    int from = cnn_file_open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0);
    bool known = from >= 0 && pread(from, kernel, 36, 0) == 36;
    if (from >= 0) {
        (void)close(from);
    }
    if (known && stat(folder, &about) == 0) {
        kernel[strcspn(kernel, " \n")] = '\0';
        (void)snprintf(name, 80, "%s:%" PRIx64, kernel, (uint64_t)about.st_dev);
        return;
    }
    (void)getentropy(&number, sizeof number);
    (void)snprintf(name, 80, "unknown:%016" PRIx64, number);
}
