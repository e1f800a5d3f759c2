/* The C locale, for text that programs read: a decimal point is a point, whatever LC_NUMERIC a
 * program that uses the library has set. Of the calling thread alone. */
#ifndef CNN_BASE_C_LOCALE_H
#define CNN_BASE_C_LOCALE_H

#include <locale.h>

/* From here on, printf, strtod and localeconv of this thread follow the C locale. Returns the
 * locale before, for cnn_c_locale_leave. */
locale_t cnn_c_locale_enter(void);
void cnn_c_locale_leave(locale_t before);

#endif
