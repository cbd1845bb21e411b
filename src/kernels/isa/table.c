/* kernels/isa/table.c: the table of one instruction set. */
#include "kernels/isa/lanes.h"

#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

extern const xk_isa XK_ISA(isa);
const xk_isa XK_ISA(isa) = {
    .name = TEXT(XK_SUFFIX),
#define XK_ISA_FUNCTION(function, ...) .function = XK_ISA(function),
#include "kernels/isa.def"
#undef XK_ISA_FUNCTION
};
