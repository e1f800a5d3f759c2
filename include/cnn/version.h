/* The version of the library, at compile time and at run time. CMake reads the project's version
 * from this file. */
#ifndef CNN_VERSION_H
#define CNN_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define CNN_VERSION_MAJOR 0
#define CNN_VERSION_MINOR 2
#define CNN_VERSION_PATCH 0

/* As a number, which is larger for a later version: 10203 is 1.2.3. */
#define CNN_VERSION_NUMBER (10000 * CNN_VERSION_MAJOR + 100 * CNN_VERSION_MINOR + CNN_VERSION_PATCH)

/* As text: "1.2.3". */
#define CNN_VERSION_JOIN(major, minor, patch) #major "." #minor "." #patch
#define CNN_VERSION_EXPAND(major, minor, patch) CNN_VERSION_JOIN(major, minor, patch)
#define CNN_VERSION CNN_VERSION_EXPAND(CNN_VERSION_MAJOR, CNN_VERSION_MINOR, CNN_VERSION_PATCH)

/* CNN_VERSION of the library that the program is linked to. A constant string. */
const char *cnn_version(void);

#ifdef __cplusplus
}
#endif
#endif
