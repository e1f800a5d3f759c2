/* Durations as text for people. */
#ifndef CNN_RUN_DURATION_H
#define CNN_RUN_DURATION_H

enum { CNN_DURATION_SIZE = 40 };

/* "8.4 s", "12 s", "3 min 20 s", "2 h 05 min"; "unknown" for NaN. */
void cnn_duration_text(double seconds, char text[CNN_DURATION_SIZE]);

#endif
