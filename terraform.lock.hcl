# The provider that every stack uses; synth puts it beside each as .terraform.lock.hcl. `npm run lock`
# records the checksums for all platforms, `npm run lock -- --upgrade` takes the newest version.

provider "registry.opentofu.org/yandex-cloud/yandex" {
  version     = "0.220.0"
  constraints = "~> 0.220"
}

provider "registry.terraform.io/yandex-cloud/yandex" {
  version     = "0.220.0"
  constraints = "~> 0.220"
}
