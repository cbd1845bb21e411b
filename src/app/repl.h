/* app/repl.h: commands from the keyboard. */
#ifndef APP_REPL_H
#define APP_REPL_H

#include <lua.h>

/* Reads and runs commands until end of input or "quit". On a terminal with line editing, history and
 * completion; otherwise lines are taken as they come and no prompt is shown. Errors are one line each
 * and end nothing; Ctrl-C interrupts the command, or drops the line being typed. */
void app_repl(lua_State *L);

#endif
