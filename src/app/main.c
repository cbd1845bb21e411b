/* app/main.c: the program. Reads the command line, opens one Lua state, runs what was asked for, and
 * closes the state so that leaks show. With repl.c and report.c the only place that prints. */
#define _GNU_SOURCE
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/args.h"
#include "app/interrupt.h"
#include "app/recipe.h"
#include "app/repl.h"
#include "app/report.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/str.h"
#include "bindings/config.h"
#include "cluster/cluster.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "xai.h"
#include "xai/lua.h"

static const char prefix[] = "xairun: ";

static const char usage[] =
    "usage: xairun [options] [script [args]]\n"
    "\n"
    "  xairun script.lua cat.png      run a script; its arguments are arg[1], ...\n"
    "  xairun gradcam --image cat.png a shipped recipe, by name (see --list)\n"
    "  xairun gradcam --help          what that recipe does and takes\n"
    "  xairun                         read commands from the keyboard\n"
    "  xairun - < script.lua          run standard input; so does a pipe\n"
    "\n"
    "  -e CODE         run CODE, before the script; may be repeated\n"
    "  -i              read commands from the keyboard after the script\n"
    "  -o DIR          where pictures go (default: out)\n"
    "  -q, --quiet     no notes, only results and errors\n"
    "  -v, --verbose   tracebacks; alone: versions, threads, instruction set\n"
    "  --threads N     threads for the arithmetic (default: all cores)\n"
    "  --seed N        start of every random number (default: 0)\n"
    "  --mem SIZE      refuse to use more for tensors: 512M, 2G (default: 3/4 of all)\n"
    "  --reference     plain kernels only: nothing fused, nothing rounded more\n"
    "  --list          the recipes, one line each\n"
    "  --version, -h, --help\n"
    "\n"
    "Options after the script belong to the script. Ctrl-C interrupts, twice ends.\n";

typedef struct program {
  int argc;
  char **argv;
  const app_args *args;
} program;

/* ---- what can be asked without running anything ------------------------------------------------ */
static void print_facts(void) {
  printf("xairun %s\n%s\n", XAI_VERSION, LUA_RELEASE);
#if defined(__clang__)
  printf("clang %d.%d.%d\n", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  printf("gcc %d.%d.%d\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
  printf("threads %d\ninstructions %s\n", xk_threads(), xk_isa_now()->name);
}

/* ---- what runs inside the protected call --------------------------------------------------------- */

/* The global arg: the script at 0, its arguments from 1, what stands before it at negative indices. */
static void set_arg(lua_State *L, const program *p) {
  int zero = p->args->script < p->argc ? p->args->script : 0;
  lua_createtable(L, p->argc - zero, zero);
  for (int i = 0; i < p->argc; i++) {
    lua_pushstring(L, p->argv[i]);
    lua_rawseti(L, -2, i - zero);
  }
  lua_setglobal(L, "arg");
}

static int open_state(lua_State *L) {
  const program *p = lua_touserdata(L, 1);
  luaL_openlibs(L);
  app_interrupt_install(L);
  xai_openlibs(L);
  set_arg(L, p);
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, (lua_Integer)xai_seed());
  lua_call(L, 1, 0);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "xai");
  lua_call(L, 1, 1);
  lua_setglobal(L, "xai");
  return 0;
}

static bool is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* A pipe or device will do: bash passes <(command) as one. */
static bool is_file(const char *path) { return access(path, F_OK) == 0 && !is_directory(path); }

/* Where the script is: as named, or below the directory of the environment variable XAIRUN_HOME, so that
 * scripts/run.sh finds the examples from anywhere. NULL when neither is a file. */
static const char *find_file(lua_State *L, const char *name) {
  if (is_file(name)) return name;
  const char *home = getenv("XAIRUN_HOME");
  if (home == NULL || name[0] == '/') return NULL;
  const char *path = lua_pushfstring(L, "%s/%s", home, name); /* stays on the stack, so the text lives */
  return is_file(path) ? path : NULL;
}

/* Pushes the script as a function, or raises. Text only: Lua does not check bytecode. */
static void load_script(lua_State *L, const char *name) {
  int status;
  const char *path = strcmp(name, "-") == 0 ? NULL : find_file(L, name);
  const xl_embedded_file *recipe = NULL;
  if (path != NULL || strcmp(name, "-") == 0) {
    status = luaL_loadfilex(L, path, "t");
  } else if ((recipe = app_recipe_find(name)) != NULL) {
    status = luaL_loadbufferx(L, recipe->bytes, recipe->size, lua_pushfstring(L, "@%s", recipe->path), "t");
  } else if (is_directory(name)) {
    lua_pushfstring(L, "%s: a directory, expected a script", name);
    status = LUA_ERRFILE;
  } else {
    char near[1024], hint[1100];
    app_recipe_nearest(name, near, sizeof near);
    xai_str_suggest(hint, sizeof hint, near[0] != '\0' ? near : NULL);
    lua_pushfstring(L, "%s: no such script or recipe%s", name, hint);
    status = LUA_ERRFILE;
  }
  if (status != LUA_OK) lua_error(L);
}

/* The -e pieces in order, then the script with its arguments as '...'. */
static int run_scripts(lua_State *L) {
  const program *p = lua_touserdata(L, 1);
  const app_args *a = p->args;
  for (int i = 0; i < a->code_count; i++) {
    if (luaL_loadbufferx(L, a->code[i], strlen(a->code[i]), "=(command line)", "t") != LUA_OK) lua_error(L);
    lua_call(L, 0, 0);
  }
  bool reads_stdin = a->script == p->argc && a->code_count == 0 && !a->interactive;
  if (a->script == p->argc && !reads_stdin) return 0;
  load_script(L, reads_stdin ? "-" : p->argv[a->script]);
  int count = 0;
  for (int i = a->script + 1; i < p->argc; i++, count++) {
    luaL_checkstack(L, 1, "too many arguments");
    lua_pushstring(L, p->argv[i]);
  }
  lua_call(L, count, 0);
  return 0;
}

static bool protected_call(lua_State *L, lua_CFunction f, const program *p) {
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, (void *)p);
  if (app_call(L, 1, 0)) return true;
  app_report(L, prefix);
  return false;
}

/* ---- the program ---------------------------------------------------------------------------------- */
/* Without --mem: three quarters of the machine's memory, so that a file which asks for more is refused and does not
 * bring the machine down. 0, no limit, where the system does not say. */
static size_t most_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? (size_t)pages / 4 * 3 * (size_t)bytes : 0;
}

static void configure(const app_args *a) {
  if (a->threads > 0) xk_threads_set(a->threads);
  xai_engine_reference(a->reference);
  xai_seed_set(a->seed);
  xai_mem_limit(a->memory > 0 ? a->memory : most_memory());
  if (a->out_dir != NULL) xl_config.out_dir = a->out_dir;
  xl_config.quiet = a->quiet;
  xl_config.verbose = a->verbose;
}

/* Under mpirun every rank runs the script, and all see the same results: one of them is enough to tell. */
static bool join_others(xai_err *err) {
  if (xai_cluster_start(err) != XAI_OK) return false;
  if (xai_cluster_rank() > 0) {
    xl_config.quiet = true;
    if (freopen("/dev/null", "w", stdout) == NULL) return xai_fail(err, XAI_EIO, "/dev/null: %s", strerror(errno)), false;
  }
  return true;
}

static bool run(const program *p) {
  const app_args *a = p->args;
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    app_complain(prefix, "not enough memory");
    return false;
  }
  bool at_keyboard = a->script == p->argc && a->code_count == 0 && isatty(STDIN_FILENO);
  bool repl = a->interactive || at_keyboard;
  bool ok = protected_call(L, open_state, p);
  if (ok && !at_keyboard) {
    ok = protected_call(L, run_scripts, p) || repl; /* after -i the REPL decides how it ends */
  }
  if (ok && repl) app_repl(L);
  app_interrupt_remove();
  lua_close(L);
  return ok;
}

/* What the libraries of threads read before main. Between two layers a thread that sleeps takes longer to wake than the layer
 * takes, so threads spin for a moment, about ten microseconds; not longer, because threads that spin slow everybody down as
 * soon as the cores are shared, and two programs at once would take ten times as long. (Clang's OpenMP knows no moment as
 * short; there no thread spins.) OpenBLAS would start threads that nobody needs, and these spin too. */
static const char *const waiting[][2] = {
    {"GOMP_SPINCOUNT", "1000"}, {"KMP_BLOCKTIME", "0"}, {"OPENBLAS_NUM_THREADS", "1"}};
enum { WAITING = sizeof waiting / sizeof *waiting };
static const char again[] = "XAI_STARTED_AGAIN"; /* which of them we have set: digits 0 and 1 */

/* So the program starts itself once more with them set, and then takes them back: they are not for the programs that a
 * script starts. What the user has set stays. Not where threads are bound, as we by now are to one core. */
static void start_again(char **argv) {
  char set[WAITING + 1] = "";
  const char *was = getenv(again);
  bool own_policy = getenv("OMP_WAIT_POLICY") != NULL;
  if (was != NULL) {
    for (size_t i = 0; i < WAITING && was[i] != '\0'; i++)
      if (was[i] == '1') unsetenv(waiting[i][0]);
    unsetenv(again);
    return;
  }
  if (getenv("OMP_PROC_BIND") != NULL) return;
  for (size_t i = 0; i < WAITING; i++) {
    bool ours = getenv(waiting[i][0]) == NULL && !(own_policy && i + 1 < WAITING);
    if (ours && setenv(waiting[i][0], waiting[i][1], 1) != 0) return;
    set[i] = ours ? '1' : '0';
  }
  if (setenv(again, set, 1) == 0) execv("/proc/self/exe", argv); /* where that fails, go on as we are */
}

int main(int argc, char **argv) {
  start_again(argv);
  app_args args;
  xai_err err;
  if (app_args_parse(argc, argv, &args, &err) != XAI_OK) {
    app_complain(prefix, err.text);
    return EXIT_FAILURE;
  }
  configure(&args);
  if (!join_others(&err)) {
    app_complain(prefix, err.text);
    app_args_free(&args);
    return EXIT_FAILURE;
  }
  bool ok = true;
  bool nothing_to_run = args.script == argc && args.code_count == 0 && !args.interactive;
  if (args.help) fputs(usage, stdout);
  else if (args.version) puts("xairun " XAI_VERSION);
  else if (args.list) app_recipe_list();
  else if (args.verbose && nothing_to_run) print_facts();
  else ok = run(&(program){argc, argv, &args});
  app_args_free(&args);

  errno = 0;
  if (fflush(stdout) != 0 || ferror(stdout)) { /* a full disk is an error, not a short file */
    fprintf(stderr, "%sstandard output: %s\n", prefix, errno != 0 ? strerror(errno) : "write error");
    ok = false;
  }
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
