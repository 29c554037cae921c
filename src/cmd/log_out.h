/* log_out.h: where the running server's messages go: what people are told to standard output, the rest to standard
 * error, one line each. Any thread. */
#ifndef CMD_LOG_OUT_H
#define CMD_LOG_OUT_H
#include <framewall/manager.h>

fw_log_function log_out;
#endif
