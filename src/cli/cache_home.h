/* Where a program keeps what it can make again: the XDG base directory specification. */
#ifndef CNN_CLI_CACHE_HOME_H
#define CNN_CLI_CACHE_HOME_H

/* $XDG_CACHE_HOME/PROGRAM, or $HOME/.cache/PROGRAM where the former is not set or not absolute;
 * nothing is made. NULL where neither is there, or memory is refused. Free with free. */
char *cnn_cache_home(const char *program);

#endif
