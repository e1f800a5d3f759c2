# shellcheck shell=sh
# Checks that every function that the programs import can be made to fail by inject.c, or is listed here because it cannot
# fail or its failure changes nothing, so that a new one is not forgotten.
# imports.sh INJECT PROGRAM ...
set -u
LC_ALL=C
export LC_ALL
command -v nm >/dev/null || exit 77

# cannot fail with valid arguments (newlocale: for the C locale)
harmless='__ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc __errno_location __sched_cpucount __stack_chk_fail __tls_get_addr _exit bcmp
ceil ceilf clearerr cos dirfd erfc exp fclose ferror fileno floor fma fmaf fmax fputc free getenv getopt_long getpid isatty ldexp ldexpf llround log
localeconv frexp malloc_usable_size memchr memcmp memcpy memmem memmove memset pow qsort qsort_r raise round sigaction sigemptyset
fmin fnmatch fgets fseek sigfillset signal sqrt strcasecmp strchr strcmp strcspn strerror strlen strncasecmp strncmp strnlen strpbrk strrchr strspn
strstr strtod strtol sscanf strtoll strtoul strtoull sysconf _setjmp longjmp __longjmp_chk __memcpy_chk __memset_chk __sprintf_chk
__snprintf_chk __vsnprintf_chk snprintf vsnprintf newlocale uselocale pthread_once waitpid ioctl time getppid kill prctl
gethostname'
# of cnnpredict --explain and cnntrain --jobs: no memory for a name, no process or pipe (each is a message, which test_heat_map.c does not see);
# of cnntrain as one of several processes: no program to become (cli/mpi.sh)
others_refused='execv fork pipe2 readlink tsearch tdestroy'
# stdio: inject.c sees the writes of stdout; the loss of stderr changes nothing
stdio='fflush fprintf fputs fwrite printf putchar puts stderr stdout __fprintf_chk __printf_chk'
# locks and conditions of our own threads, used correctly
threads='pthread_cond_broadcast pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_cond_wait pthread_join
pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_sigmask pthread_attr_init pthread_attr_setstacksize pthread_attr_destroy'
# libraries that inject.c is under as well, and what the compiler adds
others='^(cJSON_|archive_|gz[a-z_]*$|seccomp_|csv_|jpeg_|png_|inflate|uncompress$|crc32|nettle_(base64|sha256)_|XXH|protobuf_c_|utf8proc_|TIFF|WebP|_ITM_|__gmon_start__$|__cxa_finalize$|optarg$|optind$|opterr$|optopt$|environ$)'

# Names without their version, and without the prefix that newer C libraries give a function whose meaning a newer C
# standard changes: __isoc23_strtol is strtol.
plain() {
    sed 's/@.*//; s/^__isoc[0-9]*_//'
}

inject=$1
shift
{
    nm -D --defined-only "$inject" | awk '{print $NF}'
    for name in $harmless $stdio $threads $others_refused; do echo "$name"; done
} | plain | sort -u >"${TMPDIR:-/tmp}/covered.$$"
code=0
for program in "$@"; do
    libraries=$(ldd "$program" | awk '/libcjson|libcsv|libutf8proc/ {print $3}')
    # shellcheck disable=SC2086 # a list
    missing=$(nm -D --undefined-only "$program" $libraries | awk 'NF > 1 {print $NF}' | plain | sort -u |
        grep -Ev "$others" | comm -23 - "${TMPDIR:-/tmp}/covered.$$")
    if [ -n "$missing" ]; then
        echo "FAILED: $program calls what tests/inject neither makes fail nor calls harmless: $missing"
        code=1
    fi
done
rm -f "${TMPDIR:-/tmp}/covered.$$"
exit $code
