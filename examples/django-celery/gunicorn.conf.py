# One process, as many threads as the platform hands requests to one instance.
threads = 4
control_socket_disable = True
