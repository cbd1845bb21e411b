/* app/repl.c: see repl.h. Here are the terminal and the loop; what a command means, how values are shown
 * and what completes a word is in lua/xai/repl.lua. */
#define _POSIX_C_SOURCE 200809L
#include "app/repl.h"

#include <errno.h>
#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "app/interrupt.h"
#include "app/recipe.h"
#include "app/report.h"
#include "bindings/config.h"
#include "kernels/kernels.h"
#include "xai.h"

enum { HISTORY_LINES = 1000, PATH_BYTES = 1024 };

typedef struct repl {
  lua_State *L;        /* stack slot 1: the module's table */
  EditLine *editor;    /* NULL: not at a terminal */
  History *history;
  char history_path[PATH_BYTES]; /* "" when there is nowhere to keep it */
  const char *prompt;
  char *line;          /* getline's, without an editor */
  size_t room;
} repl;

typedef enum input { GOT_LINE, GOT_INTERRUPT, GOT_END } input;

/* ---- history ------------------------------------------------------------------------------------ */

/* Creates the directories of 'path' that are missing; what cannot be created shows when the file is written. */
static void make_parents(char *path) {
  for (char *p = path + 1; *p != '\0'; p++)
    if (*p == '/') {
      *p = '\0';
      mkdir(path, 0700);
      *p = '/';
    }
}

/* ${XDG_STATE_HOME:-$HOME/.local/state}/xairun/history */
static void find_history(repl *r) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int n = -1;
  if (state != NULL && state[0] == '/')
    n = snprintf(r->history_path, sizeof r->history_path, "%s/xairun/history", state);
  else if (home != NULL && home[0] == '/')
    n = snprintf(r->history_path, sizeof r->history_path, "%s/.local/state/xairun/history", home);
  if (n < 0 || (size_t)n >= sizeof r->history_path) r->history_path[0] = '\0';
  else make_parents(r->history_path);
}

/* Written after every line: a session may end by a second Ctrl-C. */
static void remember(repl *r, const char *line) {
  HistEvent event;
  if (r->history == NULL || line[strspn(line, " \t\n")] == '\0') return;
  history(r->history, &event, H_ENTER, line);
  if (r->history_path[0] != '\0') history(r->history, &event, H_SAVE, r->history_path);
}

/* ---- completion ----------------------------------------------------------------------------------- */
static char *show_prompt(EditLine *editor) {
  void *data = NULL;
  el_get(editor, EL_CLIENTDATA, &data);
  return (char *)((const repl *)data)->prompt;
}

/* Tab: inside a string a file name, elsewhere what repl.lua finds for the text before the cursor. */
static unsigned char complete(EditLine *editor, int key) {
  void *data = NULL;
  el_get(editor, EL_CLIENTDATA, &data);
  lua_State *L = ((const repl *)data)->L;
  unsigned char answer = CC_ERROR; /* beeps */
  const LineInfo *line = el_line(editor);
  int top = lua_gettop(L), rows = 0, columns = 80;
  el_get(editor, EL_GETTC, "co", &columns, &rows);
  lua_getfield(L, 1, "complete");
  lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
  lua_pushinteger(L, columns);
  if (lua_pcall(L, 2, 2, 0) != LUA_OK) {
    app_interrupt_clear();
  } else if (lua_isnil(L, top + 1)) {
    answer = _el_fn_complete(editor, key);
  } else if (lua_rawlen(L, top + 1) > 0) {
    if (el_insertstr(editor, lua_tostring(L, top + 1)) == 0) answer = CC_REFRESH;
  } else if (lua_isstring(L, top + 2)) {
    printf("\n%s\n", lua_tostring(L, top + 2));
    fflush(stdout);
    answer = CC_REDISPLAY;
  }
  lua_settop(L, top);
  return answer;
}

/* ---- keys -------------------------------------------------------------------------------------------- */

/* Waits for a byte of input or for Ctrl-C. The signal itself would not do to end the wait: it may arrive just
 * before, or in another thread. Returns 1, or 0 at the end of input, or -1. */
static int read_byte(unsigned char *byte) {
  struct pollfd sources[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = app_interrupt_fd(), .events = POLLIN}};
  int ready;
  do ready = poll(sources, 2, -1);
  while (ready < 0 && errno == EINTR); /* resized, continued: libedit's handlers have drawn anew */
  if (xai_stop_requested()) {
    errno = EINTR;
    return -1;
  }
  return ready < 0 ? -1 : (int)read(STDIN_FILENO, byte, 1);
}

/* libedit's source of keys: one character in the user's encoding; bytes that are none are dropped. */
static int read_key(EditLine *editor, wchar_t *key) {
  (void)editor;
  mbstate_t state;
  memset(&state, 0, sizeof state);
  for (;;) {
    unsigned char byte = 0;
    int n = read_byte(&byte);
    if (n <= 0) return n;
    size_t used = mbrtowc(key, (const char *)&byte, 1, &state);
    if (used == 0 || used == 1) return 1; /* 0: the character is NUL */
    if (used == (size_t)-1) memset(&state, 0, sizeof state);
  }
}

/* ---- lines -------------------------------------------------------------------------------------------- */
static void open_editor(repl *r) {
  setlocale(LC_CTYPE, ""); /* so that a letter beyond ASCII is one column wide; numbers stay as in C */
  r->editor = el_init("xairun", stdin, stdout, stderr);
  if (r->editor == NULL) return;
  r->history = history_init();
  HistEvent event;
  if (r->history != NULL) {
    find_history(r);
    history(r->history, &event, H_SETSIZE, HISTORY_LINES);
    history(r->history, &event, H_SETUNIQUE, 1);
    if (r->history_path[0] != '\0') history(r->history, &event, H_LOAD, r->history_path);
    el_set(r->editor, EL_HIST, history, r->history);
  }
  el_set(r->editor, EL_CLIENTDATA, r);
  el_set(r->editor, EL_PROMPT, show_prompt);
  el_set(r->editor, EL_GETCFN, read_key);
  el_set(r->editor, EL_EDITOR, "emacs");
  el_set(r->editor, EL_SIGNAL, 1); /* leaves raw mode for Ctrl-Z and Ctrl-C, follows the window's size */
  el_set(r->editor, EL_ADDFN, "xairun-complete", "complete the word", complete);
  el_set(r->editor, EL_BIND, "^I", "xairun-complete", NULL);
  el_set(r->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_source(r->editor, NULL); /* the user's ~/.editrc has the last word */
}

static void close_editor(repl *r) {
  if (r->editor != NULL) el_end(r->editor);
  if (r->history != NULL) history_end(r->history);
  free(r->line);
}

/* *line is valid until the next call. */
static input read_line(repl *r, const char **line) {
  errno = 0;
  if (r->editor != NULL) {
    int length = 0;
    *line = el_gets(r->editor, &length);
    if (*line != NULL && length > 0) return GOT_LINE;
  } else if (getline(&r->line, &r->room, stdin) >= 0) {
    *line = r->line;
    return GOT_LINE;
  }
  if (!xai_stop_requested()) return GOT_END;
  clearerr(stdin);
  return GOT_INTERRUPT;
}

/* ---- the loop ------------------------------------------------------------------------------------------- */

/* Runs the function on top of the stack and shows its values; reports an error; pops all of it. */
static void run_command(repl *r) {
  lua_State *L = r->L;
  int base = lua_gettop(L) - 1;
  bool ok = app_call(L, 0, LUA_MULTRET);
  if (ok && lua_gettop(L) > base) {
    lua_getfield(L, 1, "show");
    lua_insert(L, base + 1);
    ok = app_call(L, lua_gettop(L) - base - 1, 0);
  }
  if (!ok) app_report(L, "");
  app_interrupt_clear();
  lua_settop(L, base);
  fflush(stdout);
}

/* Adds the line to the pending text in slot 2 and runs that once it is a whole command.
 * False when the user wants to leave. */
static bool take_line(repl *r, const char *line) {
  lua_State *L = r->L;
  lua_settop(L, 2);
  lua_pushstring(L, line);
  lua_concat(L, 2); /* slot 2: all lines of this command */
  lua_getfield(L, 1, "compile");
  lua_pushvalue(L, 2);
  bool leave = false, pending = false;
  if (!app_call(L, 1, 2)) {
    app_report(L, "");
  } else if (lua_isfunction(L, 3)) {
    lua_settop(L, 3);
    run_command(r);
  } else if (lua_isnil(L, 3)) {
    app_report(L, "");
  } else {
    leave = strcmp(lua_tostring(L, 3), "quit") == 0;
    pending = !leave;
  }
  if (!pending) {
    lua_settop(L, 1);
    lua_pushliteral(L, "");
  }
  r->prompt = pending ? ">> " : "> ";
  return !leave;
}

static void loop(repl *r) {
  lua_State *L = r->L;
  for (;;) {
    const char *line = NULL;
    switch (read_line(r, &line)) {
      case GOT_LINE:
        app_interrupt_clear(); /* came too late for the command before */
        remember(r, line);
        if (!take_line(r, line)) return;
        break;
      case GOT_INTERRUPT:
        app_interrupt_clear();
        lua_settop(L, 1);
        lua_pushliteral(L, "");
        r->prompt = "> ";
        if (r->editor != NULL) puts("");
        break;
      case GOT_END:
        if (r->editor != NULL) puts("");
        return;
    }
  }
}

void app_repl(lua_State *L) {
  repl r = {.L = L, .prompt = "> "};
  app_interrupt_clear(); /* an interrupted script before -i has been reported */
  lua_settop(L, 0);
  const xl_embedded_file *module = xl_embedded_find("lua/xai/repl.lua");
  if (module == NULL) {
    app_complain("xairun: ", "internal: lua/xai/repl.lua is missing");
    return;
  }
  if (luaL_loadbufferx(L, module->bytes, module->size, "@lua/xai/repl.lua", "t") != LUA_OK || !app_call(L, 0, 1)) {
    app_report(L, "xairun: ");
    return;
  }
  lua_pushliteral(L, "");
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
    open_editor(&r);
    if (!xl_config.quiet)
      printf("xairun %s, %d threads; help() for help, Ctrl-D to leave\n", XAI_VERSION, xk_threads());
  }
  loop(&r);
  close_editor(&r);
}
