/* SPDX-License-Identifier: MIT */
/* org.varlink.service: what every Varlink service tells of itself. */
#include <string.h>

#include "control/call.h"
#include "control/description.h"
#include "control/host.h"
#include "control/reply.h"

static const char service_description[] =
	"# What every Varlink service tells of itself.\n"
	"interface org.varlink.service\n"
	"\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"error ExpectedMore ()\n";

void get_info_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	struct host_facts facts;
	struct reply r;

	(void)call;
	host->facts(host->context, &facts);
	reply_begin(&r, s);
	jsonout_string(&r.json, "vendor", "verger");
	jsonout_string(&r.json, "product", "vergerd");
	jsonout_string(&r.json, "version", facts.version);
	jsonout_string(&r.json, "url", "");
	jsonout_array(&r.json, "interfaces");
	jsonout_string(&r.json, NULL, REPLY_SERVICE);
	jsonout_string(&r.json, NULL, REPLY_INTERFACE);
	jsonout_array_end(&r.json);
	reply_end(&r, false);
}

void get_interface_description_answer(struct session *s, const struct call *call)
{
	const char *name = call->params->interface, *text = NULL;
	struct reply r;

	if (!strcmp(name, REPLY_INTERFACE))
		text = description_text;
	else if (!strcmp(name, REPLY_SERVICE))
		text = service_description;
	if (!text) {
		reply_error(s, REPLY_SERVICE ".InterfaceNotFound", "interface", name);
		return;
	}
	reply_begin(&r, s);
	jsonout_string(&r.json, "description", text);
	reply_end(&r, false);
}
