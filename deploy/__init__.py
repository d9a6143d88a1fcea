"""What `sam build` runs for template.yaml."""
