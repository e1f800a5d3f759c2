#include "report/page.h"

const char *const cnn_page_style[] = {
    "body { font-family: system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem "
    "}\n",
    NULL,
};
