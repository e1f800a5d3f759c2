/* The findings of --check-data on image.range and image.alpha. */
#include "inspect/data_report.h"

#include <stdatomic.h>

size_t cnn_data_report_hidden(const cnn_data_report *report, cnn_text *text) {
    const cnn_image_settings *image = &report->config->image;
    size_t shapes = atomic_load(&report->hidden.shapes);
    size_t findings = 0;
    cnn_range range;
    if (image->range == CNN_RANGE_FULL && cnn_hidden_is_narrow(&report->hidden, &range)) {
        cnn_text_format(text,
                        "  the values of the 16-bit images are close together: the network sees %d "
                        "of 256 levels; set image.range to \"stretch\"\n",
                        cnn_range_levels(&range));
        findings++;
    }
    if (image->alpha == CNN_ALPHA_DROP && shapes > 0) {
        cnn_text_format(text,
                        "  to see the shapes in the alpha channels, set image.alpha to \"%s\"\n",
                        cnn_hidden_background(&report->hidden));
        findings++;
    }
    return findings;
}

void cnn_data_report_range(const cnn_data_report *report, cnn_text *text) {
    const cnn_range *ends = &report->seen.ends;
    size_t shapes = atomic_load(&report->hidden.shapes);
    if (atomic_load(&report->hidden.deep) > 0) {
        const cnn_range range = cnn_histogram_range(report->hidden.values);
        cnn_text_format(text, "  16 bit     99.8 %% of the values are from %lld to %lld of 65535\n",
                        (long long)range.low, (long long)range.high);
    }
    if (shapes > 0) {
        cnn_text_format(text, "  alpha      %zu images have one colour, and their shape in alpha\n",
                        shapes);
    }
    if (report->seen.range == CNN_RANGE_STRETCH) {
        cnn_text_format(text, "  range      stretch: %lld to %lld of 65535 becomes 0 to 255\n",
                        (long long)ends->low, (long long)ends->high);
    }
}
