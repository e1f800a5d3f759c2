#include "base/c_locale.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

/* Takes no memory: the C locale is part of the C library. */
static void make_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t cnn_c_locale_enter(void) {
    (void)pthread_once(&once, make_locale);
    return uselocale(c_locale);
}

void cnn_c_locale_leave(locale_t before) {
    (void)uselocale(before);
}
