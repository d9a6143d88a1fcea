"""Dashboards and alarms for on-call engineers, generated from the team's own template and observe.yaml.

    template/    SAM and CloudFormation files -> resources, intrinsics resolved as far as they can be
    model/       resources + observe.yaml -> System: endpoints, services, who feeds whom
    pages/       System -> Page: what is shown, of no tool
    alarms/      System -> Alarm: what is told, of no tool
    cloudwatch/ datadog/ kibana/ opensearch/ grafana/    Page and Alarm -> files of one tool
    preview/     Page and the embedded store -> HTML

All of it is pure but for reading templates and the store; nothing calls AWS or a vendor.
"""
