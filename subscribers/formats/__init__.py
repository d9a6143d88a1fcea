"""Every format that lines may have, in one place to read: FORMATS by the name that observe.yaml uses."""

from __future__ import annotations

from subscribers.formats import (
    alb,
    apache_error,
    apache_layout,
    api_gateway,
    cef,
    delimited,
    haproxy,
    iis,
    java_logging,
    json_lines,
    key_value,
    klog,
    nginx_error,
    nginx_layout,
    oslo,
    python_logging,
    syslog,
    tomcat,
    windows,
    zos,
)
from subscribers.formats.told import LineFormat

__all__ = ["FORMATS"]

#: Name -> format. Those that take a pattern, columns or fields of the team's own are in `custom`.
FORMATS: dict[str, LineFormat] = {
    "apache": apache_layout.APACHE,
    "apache_error": apache_error.APACHE_ERROR,
    "nginx": nginx_layout.NGINX,
    "nginx_error": nginx_error.NGINX_ERROR,
    "iis": iis.IIS,
    "alb": alb.ALB,
    "api_gateway": api_gateway.API_GATEWAY,
    "haproxy": haproxy.HAPROXY,
    "tomcat": tomcat.TOMCAT,
    "cef": cef.CEF,
    "leef": cef.LEEF,
    "syslog": syslog.SYSLOG,
    "klog": klog.KLOG,
    "oslo": oslo.OSLO,
    "windows_event": windows.WINDOWS_EVENT,
    "windows_cbs": windows.WINDOWS_CBS,
    "zos_joblog": zos.JOBLOG,
    "zos_syslog": zos.SYSLOG,
    "java": java_logging.JAVA,
    "gelf": json_lines.GELF,
    "json": json_lines.JSON,
    "python": python_logging.PYTHON,
    "logfmt": key_value.LOGFMT,
    "key_value": key_value.KEY_VALUE,
    "csv": delimited.CSV,
}
