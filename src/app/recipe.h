/* app/recipe.h: the scripts inside the program, run by name. */
#ifndef APP_RECIPE_H
#define APP_RECIPE_H

#include <stddef.h>

#include "bindings/embedded.h"


/* The recipe of that name ("gradcam" is scripts/gradcam.lua), or NULL. */
const xl_embedded_file *app_recipe_find(const char *name);

/* The recipe, or Lua file beside where 'name' would be, that is most like it: copied to buf, "" when nothing is. */
const char *app_recipe_nearest(const char *name, char *buf, size_t size);

/* One line per recipe on stdout: its name and what its header says. */
void app_recipe_list(void);

#endif
