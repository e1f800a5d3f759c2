#include "report/data_uri.h"

#include "base/base64.h"

void cnn_html_picture(cnn_html *html, const char *media_type, const uint8_t *bytes, size_t size,
                      int width, int height, const char *alternative) {
    cnn_text uri = {0};
    cnn_text_format(&uri, "data:%s;base64,", media_type);
    cnn_text_base64(&uri, bytes, size);
    html->text->failed |= uri.failed;
    cnn_html_begin(html, "img");
    cnn_html_attribute_format(html, "width", "%d", width);
    cnn_html_attribute_format(html, "height", "%d", height);
    cnn_html_attribute(html, "alt", alternative);
    cnn_html_attribute(html, "src", uri.failed ? "" : uri.data);
    cnn_html_end(html);
    cnn_text_free(&uri);
}
