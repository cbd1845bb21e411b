/* base/clock.h: wall-clock seconds for measuring and progress. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Seconds since an arbitrary moment; never goes backwards. */
double xai_clock(void);

#endif
