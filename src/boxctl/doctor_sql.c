#include "src/boxctl/doctor_sql.h"

const struct db_stmt doctor_stmt[DOCTOR_STMT__MAX] = {
    [DOCTOR_SERVER] = {"doctor_server", "SELECT current_setting('server_version_num')::integer,"
                                        " current_setting('server_version'), current_setting('server_encoding'),"
                                        " clock_timestamp(), pg_is_in_recovery()"},
};
