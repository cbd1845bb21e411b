/* app/report.h: protected calls, and errors as one line on stderr. */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include <lua.h>
#include <stdbool.h>

/* lua_pcall with a handler that turns any error object into text, with a traceback when verbose.
 * On failure returns false and leaves the text on the stack. */
bool app_call(lua_State *L, int arguments, int results);

/* Prints prefix + the error text on top of the stack as one line and pops it. Control characters are
 * replaced, so a file's names cannot drive the terminal; further lines (tracebacks) only when verbose.
 * While a stop request stands the text is "interrupted", whatever the error was. */
void app_report(lua_State *L, const char *prefix);

/* The same for a plain text. */
void app_complain(const char *prefix, const char *text);

#endif
