/* app/interrupt.h: Ctrl-C.
 *
 * SIGINT sets the process-wide stop request, which kernels and passes look at, and makes the running
 * Lua code raise "interrupted". The request stands until the top level has acted on it: a script
 * cannot swallow it with pcall, because the next instruction raises again. A second Ctrl-C before
 * that ends the process, so that C code which looks at no flag cannot hold the user.
 *
 * One state per process. A finaliser in an endless loop is out of reach: Lua runs those without hooks. */
#ifndef APP_INTERRUPT_H
#define APP_INTERRUPT_H

#include <lua.h>

/* From now on SIGINT interrupts L, whose standard libraries are open. Respects an inherited "ignore" (nohup). */
void app_interrupt_install(lua_State *L);

/* The interrupt has been acted on: forget it and be ready for the next. */
void app_interrupt_clear(void);

/* Becomes readable while an interrupt stands: for poll. -1, which poll passes over, when interrupts are ignored. */
int app_interrupt_fd(void);

/* Before the state is closed: SIGINT ends the process again. */
void app_interrupt_remove(void);

#endif
