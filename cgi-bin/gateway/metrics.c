#include "cgi-bin/gateway/gateway.h"

#include "common/base/cfg.h"
#include "common/base/metrics.h"

const struct err *gateway_handle_metrics(struct request *rq, struct reply *rp)
{
    (void)rq;
    reply_bytes(rp, 200, "text/plain; version=0.0.4; charset=utf-8", "", 0);
    return metrics_write(cfg_process.run_dir, &rp->body);
}
