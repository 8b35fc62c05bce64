"""Growth from a script: the stages of the service, without a process of their own."""
