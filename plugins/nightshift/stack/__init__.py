"""The production stack as processes of one machine, for those without a container engine.

`docker/compose.yaml` is the only definition of the roles. `definition` reads it, `places` says where a container's addresses
and paths are here, `programs` which program an image is; these are functions of values. `supervisor` keeps the processes
alive (supervisord does), `starting` starts them in order, and `run` is the whole: up, down, and what it is asked meanwhile.

Every role has an address of its own on loopback, as a container has one on its network, so ports stay what they are.
"""
