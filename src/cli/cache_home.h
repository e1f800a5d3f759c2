/* The cache directory of a program, by the XDG base directory specification. */
#ifndef CNN_CLI_CACHE_HOME_H
#define CNN_CLI_CACHE_HOME_H

/* Returns $XDG_CACHE_HOME/PROGRAM, or $HOME/.cache/PROGRAM if XDG_CACHE_HOME is not set or not
 * absolute. Creates nothing. NULL if HOME is not set either, or memory is refused. Free with free.
 */
char *cnn_cache_home(const char *program);

#endif
