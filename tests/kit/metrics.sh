# shellcheck shell=bash
# Tier metrics: a Prometheus that scrapes itself, beside the other tiers; it builds on none.

PROMETHEUS_URL=http://127.0.0.1:$PROMETHEUS_PORT

# ---- install ----

metrics_install() {
  need prometheus prometheus
  need curl curl
  install_missing_packages
}

# ---- start ----

metrics_start() {
  cat >"$RUN/prometheus.yml" <<YAML
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ['127.0.0.1:$PROMETHEUS_PORT']
YAML
  start prometheus prometheus --config.file="$RUN/prometheus.yml" --storage.tsdb.path="$RUN/prometheus" \
    --web.listen-address="127.0.0.1:$PROMETHEUS_PORT"
  wait_for prometheus 60 metrics_healthy
}

# ---- state ----

metrics_healthy() { curl -fsS --max-time 5 "$PROMETHEUS_URL/-/ready" >/dev/null 2>&1; }

metrics_env() { put_env MESHERYCTL_KIT_PROMETHEUS "$PROMETHEUS_URL"; }

metrics_stop() { stop prometheus; }
