/* How much a case matters: tier 1, tier 2, or outside of both. The file tiers.txt says so, in lines
 *
 *   1 Conv Relu ...      operators of tier 1; so 2, and 0 for outside. Operators of the table that are not named are of
 *                        tier 2; one that is in neither is a mistake in the file
 *   type 8 16            element types, by ONNX' numbers, that are outside; what is no tensor is outside anyway
 *   case test_foo        a case that is outside whatever its operators are
 *
 * A case counts where the least important operator of its graph does. */
#ifndef TESTS_CONFORMANCE_TIERS_H
#define TESTS_CONFORMANCE_TIERS_H

#include <stdbool.h>

#include "xai/status.h"

enum { TIER_1 = 1, TIER_2, OUTSIDE, TIERS };

enum { MOST_NAMES = 400 };
typedef struct tiers {
  struct {
    char name[64];
    int tier;
  } operators[MOST_NAMES];
  char cases[MOST_NAMES][64];
  int types[MOST_NAMES];
  int n_operators, n_cases, n_types;
} tiers;

/* false when the file cannot be read */
bool read_tiers(const char *path, tiers *t);
/* Fails when the model cannot be read or has an operator without a tier. */
xai_status tier_of(const tiers *t, const char *name, const char *model, int *tier, xai_err *err);

#endif
