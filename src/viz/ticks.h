/* viz/ticks.h: round numbers along an axis, and numbers as text. */
#ifndef VIZ_TICKS_H
#define VIZ_TICKS_H

enum { XAI_TICKS = 5, XAI_NUMBER_TEXT = 32 };

/* The multiples of the smallest step 1, 2, 2.5 or 5 times a power of ten of which at most five lie in lo..hi: from
 * three to five of them, ascending. Returns how many. lo < hi, both finite. */
int xai_ticks(double lo, double hi, double ticks[XAI_TICKS]);

/* "0.62", "-3", "1.5e-4", with a true minus sign (UTF-8) and no trailing zeros. 'largest' is the largest magnitude on
 * the same axis: all numbers of one axis are written alike, as powers of ten when it is below 0.01 or from 100000 on.
 */
void xai_number_text(double v, double largest, char text[XAI_NUMBER_TEXT]);

#endif
