/* explain/method.c: the table of methods. */
#include "explain/method.h"

#include <string.h>

#define XAI_METHOD(name) extern const xai_method xai_method_##name;
#include "explain/methods.def"
#undef XAI_METHOD

const char *const xai_score_kinds[] = {"logit", "prob", NULL};
const xai_opt_spec xai_no_options[] = {{.name = NULL}};

const xai_method *const *xai_methods(void) {
  static const xai_method *const rows[] = {
#define XAI_METHOD(name) &xai_method_##name,
#include "explain/methods.def"
#undef XAI_METHOD
      NULL};
  return rows;
}

const xai_method *xai_method_find(const char *name) {
  for (const xai_method *const *row = xai_methods(); *row != NULL; row++)
    if (strcmp((*row)->name, name) == 0) return *row;
  return NULL;
}

void xai_method_defaults(const xai_method *m, void *opts) {
  memset(opts, 0, m->opts_size);
  ((xai_explain_opts *)opts)->layer = XAI_LAYER_NONE;
  for (const xai_opt_spec *o = m->opts; o->name != NULL; o++) {
    void *at = (char *)opts + o->offset;
    switch (o->kind) {
      case XAI_OPT_BOOL: *(bool *)at = o->fallback != 0; break;
      case XAI_OPT_INT: *(int64_t *)at = (int64_t)o->fallback; break;
      case XAI_OPT_NUMBER: *(double *)at = o->fallback; break;
      case XAI_OPT_CHOICE: *(int *)at = (int)o->fallback; break;
      case XAI_OPT_LAYERS: break;
    }
  }
  if (m->defaults != NULL) m->defaults(opts);
}
