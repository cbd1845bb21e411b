/* app/recipe.c: see recipe.h. */
#include "app/recipe.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { NAME_MAX_BYTES = 64 };
static const char folder[] = "scripts/", extension[] = ".lua";

/* "scripts/gradcam.lua" -> "gradcam"; false for other files. */
static bool recipe_name(const xl_embedded_file *file, char name[NAME_MAX_BYTES]) {
  size_t length = strlen(file->path), around = sizeof folder - 1 + sizeof extension - 1;
  if (!xai_str_starts(file->path, folder) || length <= around || length - around >= NAME_MAX_BYTES) return false;
  memcpy(name, file->path + sizeof folder - 1, length - around);
  name[length - around] = '\0';
  return true;
}

const xl_embedded_file *app_recipe_find(const char *name) {
  char own[NAME_MAX_BYTES];
  for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++)
    if (recipe_name(f, own) && strcmp(own, name) == 0) return f;
  return NULL;
}

/* Keeps the candidate if it is nearer than the best so far. 'shown' is what the user would have to type. */
static void consider(const char *wanted, const char *candidate, const char *shown, int *best, char *buf, size_t size) {
  int distance = xai_str_distance(wanted, candidate);
  if (distance >= *best) return;
  *best = distance;
  snprintf(buf, size, "%s", shown);
}

const char *app_recipe_nearest(const char *name, char *buf, size_t size) {
  buf[0] = '\0';
  const char *slash = strrchr(name, '/');
  const char *base = slash != NULL ? slash + 1 : name;
  int best = (int)strlen(base) / 3 + 1; /* at most a third of the letters wrong */
  if (best < 3) best = 3;
  char own[NAME_MAX_BYTES];
  if (slash == NULL)
    for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++)
      if (recipe_name(f, own)) consider(name, own, own, &best, buf, size);

  char directory[512];
  if ((size_t)(base - name) >= sizeof directory) return buf;
  memcpy(directory, name, (size_t)(base - name));
  directory[base - name] = '\0';
  DIR *d = opendir(slash != NULL ? directory : ".");
  if (d == NULL) return buf;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    const char *dot = strrchr(e->d_name, '.');
    if (dot == NULL || strcmp(dot, extension) != 0) continue;
    char path[1024];
    snprintf(path, sizeof path, "%s%s", directory, e->d_name);
    consider(base, e->d_name, path, &best, buf, size);
  }
  closedir(d);
  return buf;
}

/* The first line of a recipe is "-- scripts/gradcam.lua: which pixels speak for a class?" */
static int header_text(const xl_embedded_file *file, const char **text) {
  const char *end = memchr(file->bytes, '\n', file->size);
  if (end == NULL) end = file->bytes + file->size;
  *text = end;
  for (const char *p = file->bytes; p + 1 < end; p++)
    if (p[0] == ':' && p[1] == ' ') {
      *text = p + 2;
      break;
    }
  return (int)(end - *text);
}

void app_recipe_list(void) {
  char name[NAME_MAX_BYTES];
  int widest = 0;
  for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++)
    if (recipe_name(f, name) && (int)strlen(name) > widest) widest = (int)strlen(name);
  for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++) {
    if (!recipe_name(f, name)) continue;
    const char *text = NULL;
    int length = header_text(f, &text);
    printf("%-*s  %.*s\n", widest, name, length, text);
  }
}
