# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Every system call and every allocation fails in turn (tests/inject/): the promised exit code and message, no temporary
# file, no leak, no crash, and a run that goes on to the same bytes.
. "$SOURCE/tests/cli/lib.sh"
[ -z "${SANITIZE-}" ] || exit 77 # sanitizers want malloc for themselves
[ -f "${SHIM:?}" ] || exit 77

# what the programs import from the C library and others is in the shim, or needs no failure
nm -D --undefined-only "$CNNTRAIN" "$CNNPREDICT" | sed -n 's/^ *[UwV] \([A-Za-z0-9_]*\).*/\1/p' | sort -u >imported
nm -D --defined-only "$SHIM" | awk '{ print $3 }' | sort -u >covered
cat >harmless <<'END'
_ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __assert_fail __ctype_b_loc __cxa_finalize __errno_location
__gmon_start__ __libc_start_main __sched_cpucount __stack_chk_fail __tls_get_addr _exit clock_gettime closedir cos dirfd
exp fclose fgets floor fmax fmin fprintf fputc putchar getenv getopt_long getpid getrlimit isatty ldexp log lround
madvise malloc_usable_size memchr memcmp memcpy memmem memmove memset munmap nanosleep poll pow pthread_cond_broadcast
pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_cond_wait pthread_join pthread_mutex_destroy
pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_sigmask qsort qsort_r sched_getaffinity sigaction
sigfillset signal snprintf sqrt stderr stdout stdin strcasecmp strchr strcmp strcspn strerror strlen strncmp strncpy
strnlen strrchr strspn strstr strtod strtol strtoll strtoul strtoull sysconf vsnprintf optarg optind opterr optopt
sincos log1p exp2 round rint
END
tr ' ' '\n' <harmless | sort -u >harmless-names
last="imports of the programs"
grep -Ev '^(cJSON_|csv_|exif_|seccomp_|SHA256)' imported | sort -u | comm -23 - covered | comm -23 - harmless-names >forgotten
[ ! -s forgotten ] || fail "expected tests/inject/shim.c to know $(tr '\n' ' ' <forgotten)"

"$MAKE_IMAGES" data 4 8 8 1 || exit 1
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.25, "test": "data", "duplicates": "allow"},
    "image": {"width": 8, "height": 8, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 2, "kernel": 3},
        {"type": "relu"},
        {"type": "maxpool", "size": 2},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 2, "batch_size": 4, "optimizer": "momentum", "checkpoint_seconds": 1e-6}
}
END
printf 'data/left/00000.pgm\nmissing.png\n' >paths
"$CNNTRAIN" --config cfg.json --out whole -q || exit 1
"$CNNTRAIN" --config cfg.json --out half -q train.epochs=1 || exit 1
"$SWEEP" "$SHIM" "$CNNTRAIN" "$CNNPREDICT"
exit $?
