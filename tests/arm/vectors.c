/* How a Cortex-M4 starts a program of newlib: where its stack ends and which function comes first.
 * A fault ends in a loop, which the test stops. */
extern char __stack[];
extern void _start(void);

static void fault(void) {
    for (;;) {
    }
}

typedef struct vectors {
    char *stack;
    void (*handlers[15])(void);
} vectors;

__attribute__((section(".vectors"), used)) static const vectors table = {
    __stack, {_start, fault, fault, fault, fault, fault}};
