# shellcheck shell=bash
# Tier load: what load is made against and compared with. One nginx (HTTP/1.1 and HTTP/2 with prior knowledge) and one
# fortio (gRPC, TCP and UDP echo) on loopback; wrk, hey, h2load and fortio as peers. It builds on no other tier.

LOAD_FOLDER=$RUN/load

# ---- install ----

load_install() {
  need wrk wrk
  need hey hey
  need h2load nghttp2-client
  need nginx nginx-light
  need curl curl
  install_missing_packages
  provide fortio "$FORTIO_VERSION" go_program "fortio.org/fortio@v$FORTIO_VERSION"
}

# ---- start ----

load_start() {
  mkdir -p "$LOAD_FOLDER"
  nginx_configuration >"$LOAD_FOLDER/nginx.conf"
  start load-nginx nginx -p "$LOAD_FOLDER" -e "$LOAD_FOLDER/error.log" -c "$LOAD_FOLDER/nginx.conf"
  wait_for load-nginx 30 curl -fsS "http://127.0.0.1:$LOAD_HTTP_PORT/"
  start load-fortio "$BIN/fortio" server -http-port "127.0.0.1:$LOAD_FORTIO_PORT" -grpc-port "127.0.0.1:$LOAD_GRPC_PORT" \
    -tcp-port "127.0.0.1:$LOAD_TCP_PORT" -udp-port "127.0.0.1:$LOAD_UDP_PORT" -redirect-port disabled
  wait_for load-fortio 30 curl -fsS "http://127.0.0.1:$LOAD_FORTIO_PORT/debug"
}

# One worker, so that one thread of a generator has one thread to measure; nothing is logged, no connection is ended.
nginx_configuration() {
  cat <<NGINX
worker_processes 1;
daemon off;
pid $LOAD_FOLDER/nginx.pid;
error_log $LOAD_FOLDER/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  server_tokens off;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  client_body_temp_path $LOAD_FOLDER/body;
  proxy_temp_path $LOAD_FOLDER/proxy;
  fastcgi_temp_path $LOAD_FOLDER/fastcgi;
  uwsgi_temp_path $LOAD_FOLDER/uwsgi;
  scgi_temp_path $LOAD_FOLDER/scgi;
  server {
    listen 127.0.0.1:$LOAD_HTTP_PORT backlog=4096;
    location / { return 200 "hello, world\n"; }
    location /moved { return 302 /; }
    location /broken { return 500; }
  }
  server {
    listen 127.0.0.1:$LOAD_HTTP2_PORT http2 backlog=4096;
    location / { return 200 "hello, world\n"; }
  }
}
NGINX
}

# ---- state ----

load_healthy() {
  curl -fsS "http://127.0.0.1:$LOAD_HTTP_PORT/" >/dev/null 2>&1 && curl -fsS "http://127.0.0.1:$LOAD_FORTIO_PORT/debug" >/dev/null 2>&1
}

load_env() {
  put_env MESHERYCTL_KIT_LOAD_HTTP "http://127.0.0.1:$LOAD_HTTP_PORT"
  put_env MESHERYCTL_KIT_LOAD_HTTP2 "http://127.0.0.1:$LOAD_HTTP2_PORT"
  put_env MESHERYCTL_KIT_LOAD_GRPC "127.0.0.1:$LOAD_GRPC_PORT"
  put_env MESHERYCTL_KIT_LOAD_TCP "127.0.0.1:$LOAD_TCP_PORT"
  put_env MESHERYCTL_KIT_LOAD_UDP "127.0.0.1:$LOAD_UDP_PORT"
  put_env MESHERYCTL_KIT_LOAD_FORTIO "$BIN/fortio"
}

load_stop() {
  stop load-nginx
  stop load-fortio
}
